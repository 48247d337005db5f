/** The stream of a partition: who owns it from now on, and the seals its owners put on it. */
import { type Instant, type Partition } from '@tasker/core'
import { fieldsOf, objectsOf } from './codec.js'
import { UnknownEventError } from './codec/errors.js'
import { commitHash, NO_PREVIOUS_HASH } from './commit-hash.js'
import { PARTITION_SEALED, type CommitDraft, type StoredCommit } from './port.js'

export const PARTITION_ACQUIRED = 'partition.acquired'

/** The commit that takes a partition: one version and one epoch above the last, hash-linked to it. */
export const acquisitionDraft = (
  partition: Partition,
  node: string,
  at: Instant,
  last: StoredCommit | undefined,
): CommitDraft => {
  const epoch = last === undefined ? 1 : epochOf(last) + 1
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

/** The epoch of whoever wrote the commit; a seal says it too. Throws when it is no control commit. */
export const epochOf = (control: StoredCommit): number => {
  const type = control.types.at(-1)
  if (type !== PARTITION_ACQUIRED && type !== PARTITION_SEALED) throw new UnknownEventError(type ?? 'none')
  return fieldsOf(type, objectsOf(control).at(-1)).number('epoch')
}
