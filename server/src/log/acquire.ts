/** Takes a partition: a control commit on top of its tail, tried again while others write in between. */
import { type Instant, type Partition, unreachable } from '@tasker/core'
import { Fault } from '../faults.js'
import { acquisitionDraft, epochOf } from './partition-codec.js'
import type { AppendResult, Ownership, SequencedCommit, StoredCommit } from './port.js'

/** The top of a partition in one consistent look. */
export interface PartitionTip {
  readonly seq: number
  /** The last control commit. */
  readonly control: StoredCommit | undefined
}

/** The little of a log that taking a partition needs. */
export interface AcquirableLog {
  append(rows: readonly SequencedCommit[]): Promise<AppendResult>
  tip(partition: Partition): Promise<PartitionTip>
}

/** Each try that fails means that somebody else wrote; a busy owner is fenced by the first that comes between two of its appends. */
const TRIES_MAX = 1_000

/** Durable when it resolves. Throws a `Fault` when the log cannot be reached or the tries are used up. */
export const acquirePartition = async (
  log: AcquirableLog,
  partition: Partition,
  node: string,
  at: Instant,
): Promise<Ownership> => {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const tip = await log.tip(partition)
    const commit = acquisitionDraft(partition, node, at, tip.control)
    const epoch = tip.control === undefined ? 1 : epochOf(tip.control) + 1
    const result = await log.append([{ seq: tip.seq + 1, commit }])
    switch (result.type) {
      case 'appended':
        return { partition, epoch, seq: tip.seq + 1, control: commit }
      case 'collided':
        break
      case 'unknown': {
        const { control } = await log.tip(partition)
        if (control?.hash.equals(commit.hash) === true) return { partition, epoch, seq: control.seq, control }
        break
      }
      case 'refused':
        throw fault('INTERNAL', 'PARTITION_NOT_ACQUIRED', `the log refused to give partition ${partition}: ${result.message}`)
      case 'unavailable':
        throw fault('UNAVAILABLE', 'DATABASE_UNAVAILABLE', result.message)
      default:
        unreachable(result)
    }
  }
  throw fault('UNAVAILABLE', 'PARTITION_NOT_ACQUIRED', `partition ${partition} could not be taken in ${TRIES_MAX} tries`)
}

const fault = (code: 'INTERNAL' | 'UNAVAILABLE', reason: string, message: string): Fault =>
  new Fault({ code, reason, message, retryable: code === 'UNAVAILABLE' })
