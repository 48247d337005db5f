/** Reads the proof of a task, and the sealed ranges it takes, from the log. */
import type { Partition, TaskId } from '@tasker/core'
import { Fault } from '../faults.js'
import { type AuditReads, type EventLog, TASK_ARCHIVED } from '../log/port.js'
import { covers, type PlaceHash, ProofBuilder, type ProofDocument, type SealedRange, sealedRange } from './proof.js'
import type { Seal } from './seal.js'
import { sealOf } from './seal-commit.js'

/** Sealed ranges kept: neighbours are asked for one after another. Each holds a few hashes a commit. */
const RANGES_KEPT_MAX = 8

/** The sealed ranges of a log, the last few of them kept. */
export class SealedRanges {
  readonly #reads: AuditReads
  #kept: SealedRange[] = []

  constructor(reads: AuditReads) {
    this.#reads = reads
  }

  /** The range that covers a place; undefined when no seal does yet. Throws a `Fault` when the log does not lead to its seal. */
  async of(partition: Partition, seq: number): Promise<SealedRange | undefined> {
    const kept = this.#kept.find(({ seal }) => covers(seal, { partition, seq }))
    if (kept !== undefined) return kept
    const seal = await this.#sealOver(partition, seq)
    if (seal === undefined) return undefined
    const range = sealedRange(seal, await this.#placesOf(partition, seal))
    if (range === undefined) throw notAsSealed(seal)
    this.#kept = [range, ...this.#kept.slice(0, RANGES_KEPT_MAX - 1)]
    return range
  }

  async #sealOver(partition: Partition, seq: number): Promise<Seal | undefined> {
    for await (const page of this.#reads.control(partition, seq)) {
      for (const commit of page) {
        const seal = sealOf(commit)
        if (seal !== undefined && covers(seal, { partition, seq })) return seal
      }
    }
    return undefined
  }

  async #placesOf(partition: Partition, { from_seq, to_seq }: Seal): Promise<readonly PlaceHash[]> {
    const places: PlaceHash[] = []
    for await (const page of this.#reads.hashes(partition, from_seq - 1)) {
      for (const place of page) {
        if (place.seq > to_seq) return places
        places.push(place)
      }
    }
    return places
  }
}

export interface ProofSource {
  readonly log: Pick<EventLog, 'readStream' | 'audit'>
  /** Resolves when a seal covers the place. Throws a `Fault` when none will. */
  readonly sealed: (partition: Partition, seq: number) => Promise<void>
  /** The proof that an archive holds; undefined when none does, or there are no archives. */
  readonly archived?: ((taskId: TaskId) => Promise<ProofDocument | undefined>) | undefined
}

/** Undefined when there is no such task. What of it is not sealed yet is sealed first; what is archived was proven when it was. */
export const readProof = async ({ log, sealed, archived }: ProofSource, taskId: TaskId): Promise<ProofDocument | undefined> => {
  const ranges = new SealedRanges(log.audit)
  const builder = new ProofBuilder(taskId)
  let isThere = false
  for await (const page of log.readStream({ kind: 'task', id: taskId }, 1)) {
    for (const commit of page) {
      if (commit.types[0] === TASK_ARCHIVED) return archived?.(taskId)
      isThere = true
      builder.add(commit, await rangeOver(ranges, commit.partition, commit.seq, sealed))
    }
  }
  return isThere ? builder.document() : undefined
}

const rangeOver = async (
  ranges: SealedRanges,
  partition: Partition,
  seq: number,
  sealed: ProofSource['sealed'],
): Promise<SealedRange> => {
  const there = await ranges.of(partition, seq)
  if (there !== undefined) return there
  await sealed(partition, seq)
  const made = await ranges.of(partition, seq)
  if (made === undefined) throw notSealed(partition, seq)
  return made
}

const notSealed = (partition: Partition, seq: number): Fault =>
  new Fault({
    code: 'UNAVAILABLE',
    reason: 'SEAL_NOT_MADE',
    message: `No seal covers the commit at ${partition}:${seq} yet.`,
    hint: 'Repeat the request.',
    retryable: true,
  })

const notAsSealed = ({ partition, from_seq, to_seq }: Seal): Fault =>
  new Fault({
    code: 'INTERNAL',
    reason: 'LOG_NOT_AS_SEALED',
    message: `The commits of partition ${partition} from ${from_seq} to ${to_seq} are not those that were sealed.`,
    hint: 'Somebody changed the log. `tasker audit verify` says the first bad place.',
    retryable: false,
  })
