/** The control commit of a partition: who owns it from now on. */
import { type Instant, type Partition } from '@tasker/core'
import { fieldsOf, objectsOf } from './codec.js'
import { UnknownEventError } from './codec/errors.js'
import { commitHash, NO_PREVIOUS_HASH } from './commit-hash.js'
import type { CommitDraft, StoredCommit } from './port.js'

export const PARTITION_ACQUIRED = 'partition.acquired'

export interface PartitionAcquired {
  readonly epoch: number
  readonly node: string
}

/** The commit that takes a partition: one version and one epoch above the last, hash-linked to it. */
export const acquisitionDraft = (
  partition: Partition,
  node: string,
  at: Instant,
  last: StoredCommit | undefined,
): CommitDraft => {
  const epoch = last === undefined ? 1 : readAcquired(last).epoch + 1
  const content = {
    stream: { kind: 'partition', id: String(partition) },
    partition,
    firstVersion: last === undefined ? 1 : last.firstVersion + last.types.length,
    namespace: '',
    at,
    actor: 'engine',
    worker: undefined,
    cause: 'acquire_partition',
    types: [PARTITION_ACQUIRED],
    text: `[{"epoch":${epoch},"node":${JSON.stringify(node)}}]`,
  } as const
  return { ...content, hash: commitHash(content, last?.hash ?? NO_PREVIOUS_HASH) }
}

/** Who took the partition by this commit. Throws when it is no control commit. */
export const readAcquired = (commit: StoredCommit): PartitionAcquired => {
  const type = commit.types.at(-1)
  if (type !== PARTITION_ACQUIRED) throw new UnknownEventError(type ?? 'none')
  const fields = fieldsOf(type, objectsOf(commit).at(-1))
  return { epoch: fields.number('epoch'), node: fields.text('node') }
}
