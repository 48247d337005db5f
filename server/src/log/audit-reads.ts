/**
 * What seals and audits read of a log: places and hashes, each commit with the one before it in its stream, and the streams of partitions.
 *
 * A commit whose content is gone while its hash stays is a place like any other here; it only has no content to check.
 */
import type { Partition } from '@tasker/core'
import type { StoredCommit } from './port.js'

export const PARTITION_SEALED = 'partition.sealed'

/** A place in a partition and the hash of the commit there. */
export interface PlacedHash {
  readonly seq: number
  readonly hash: Buffer
  /** Whether the commit is a seal itself. */
  readonly isSeal: boolean
}

/** The end of a stream as it was before a commit of it. */
export interface StreamEnd {
  readonly partition: Partition
  readonly seq: number
  /** The version after its last. */
  readonly nextVersion: number
  readonly hash: Buffer
}

export interface LinkedCommit {
  readonly seq: number
  readonly hash: Buffer
  /** Undefined when its content is gone. */
  readonly commit: StoredCommit | undefined
  /** Elements of its list of types, which a hash over them joined by commas does not tell. */
  readonly typeCount: number
  /** Undefined for the first of a stream. */
  readonly previous: StreamEnd | undefined
}

export interface AuditReads {
  readonly partitionCount: number
  /** Names this log among all others, for ever. */
  readonly logId: string
  /** The highest place of a partition, 0 when it is empty. */
  tip(partition: Partition): Promise<number>
  /** Places above one, in order, page by page. */
  hashes(partition: Partition, afterSeq: number): AsyncIterable<readonly PlacedHash[]>
  /** The same, each with the commit that comes before it in its stream. */
  linked(partition: Partition, afterSeq: number): AsyncIterable<readonly LinkedCommit[]>
  /** Commits of the partition's own stream above a place. */
  control(partition: Partition, afterSeq: number): AsyncIterable<readonly StoredCommit[]>
  /** The last seal of a partition, or the last one below a place. */
  lastSeal(partition: Partition, belowSeq?: number): Promise<StoredCommit | undefined>
}
