/**
 * The event log: partitioned, append only, fenced by its primary key.
 *
 * L1  The unit of append is a commit: 1..n events of one stream, atomic. A call to `append` is atomic as a whole.
 * L2  `(partition, seq)` is unique; the owner numbers its commits at flush, gapless from 1. Places of commits that were archived are empty.
 * L3  `(stream kind, stream id, first version)` is unique. The last commit of an archived task is `task.archived`, and those before it may be
 *     gone, the later ones first.
 * L4  Taking a partition is an append too: the control commit `partition.acquired {epoch, node}`. Whoever collides reads the tail;
 *     a higher epoch there means that the partition is lost.
 * L5  An append that answered `appended` survives the death of every process. One that answered `unknown` may or may not have happened,
 *     and may still happen: the same rows are offered again until a read of the tail tells.
 */
import type { Instant, Partition } from '@tasker/core'

/** The type of the last event of a stream whose others lie in an archive. */
export const TASK_ARCHIVED = 'task.archived'

/** The type of the events that `readDomainEvents` looks for. */
export const DOMAIN_EVENT = 'domain_event.recorded'

/** The type of the events that are seals. */
export const PARTITION_SEALED = 'partition.sealed'

export type StreamKind = 'task' | 'template' | 'key' | 'schedule' | 'partition'

/** Ids after one, and up to another and with it. */
export interface IdRange {
  readonly after: string
  readonly upTo?: string | undefined
}

export interface StreamRef {
  readonly kind: StreamKind
  /** A task's ULID, `namespace/name` of a template, `namespace/queue` of a key, `namespace/name` of a schedule, a partition's number. */
  readonly id: string
}

/** What is about to be appended; its place in the partition is given at flush. */
export interface CommitDraft {
  readonly stream: StreamRef
  readonly partition: Partition
  /** Version of the first event in the stream, from 1. */
  readonly firstVersion: number
  /** Empty for partition streams. */
  readonly namespace: string
  readonly at: Instant
  readonly actor: string
  readonly worker: string | undefined
  /** The command, and after a blank the request id where there is one. */
  readonly cause: string
  readonly types: readonly string[]
  /** One JSON array, an object an event, in the order of `types`; payloads byte for byte as received. */
  readonly text: string
  /** SHA-256 over the stream, the first version, the hash of the stream's previous commit and all of the above; see `commit-hash.ts`. */
  readonly hash: Buffer
}

export interface StoredCommit extends CommitDraft {
  /** Place in the partition, from 1. */
  readonly seq: number
}

/** A commit with the place its owner chose. */
export interface SequencedCommit {
  readonly seq: number
  readonly commit: CommitDraft
}

export type AppendResult =
  | { readonly type: 'appended' }
  /** A row with that place, or with that stream version, is there already; nothing was written. */
  | {
      readonly type: 'collided'
      readonly on:
        | { readonly type: 'place'; readonly partition: Partition }
        | { readonly type: 'stream'; readonly stream: StreamRef }
    }
  /** The log will never take this content; nothing was written. */
  | { readonly type: 'refused'; readonly message: string }
  /** The connection died before the answer came. */
  | { readonly type: 'unknown'; readonly message: string }
  /** The log could not be reached; nothing was sent. */
  | { readonly type: 'unavailable'; readonly message: string }

export interface Head {
  /** The highest seq, 0 when the partition is empty. */
  readonly seq: number
  /** Epoch of the last `partition.acquired`, 0 when never acquired. */
  readonly epoch: number
}

export interface Ownership {
  readonly partition: Partition
  readonly epoch: number
  /** Seq of the control commit; the owner's next commit is one above. */
  readonly seq: number
  /** The control commit: the end of the partition's own stream. */
  readonly control: CommitDraft
}

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

/**
 * What seals and audits read. A commit whose content is gone while its hash stays is a place like any other; it only has no content to check.
 */
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

export type ProbeAnswer =
  | {
      readonly type: 'committed'
      /** The database's clock. */
      readonly databaseAt: Instant
      /** The last place that is taken, of every partition. */
      readonly heads: ReadonlyMap<Partition, number>
    }
  | { readonly type: 'failed'; readonly message: string }

/** Commits something small where the log is, outside of it: what is true of that is true of an append. */
export interface CommitProbe {
  probe(): Promise<ProbeAnswer>
  close(): Promise<void>
}

/** The beginning of a stream, out of a read of many. */
export interface StreamStart {
  readonly commits: readonly StoredCommit[]
  /** These are all the commits there are. */
  readonly whole: boolean
}

export interface EventLog {
  readonly partitionCount: number
  /** What seals and audits read. */
  readonly audit: AuditReads
  /** One atomic write of all rows, in the order given. Never throws for what `AppendResult` can say. */
  append(rows: readonly SequencedCommit[]): Promise<AppendResult>
  /** All commits of a stream from a version on, oldest first, page by page; a commit that contains the version is included. */
  readStream(stream: StreamRef, fromVersion: number): AsyncIterable<readonly StoredCommit[]>
  /** Many streams of a kind at once, by id: of each its first commits, all of them where it is short. One that is not there is left out. */
  readStarts(kind: StreamKind, ids: readonly string[]): Promise<ReadonlyMap<string, StreamStart>>
  /** Every commit of a kind, stream by stream in the order of ids (their bytes), oldest first; of all streams, or of some of that order. */
  readKind(kind: StreamKind, ids?: IdRange): AsyncIterable<readonly StoredCommit[]>
  /** Commits of a partition with `seq > afterSeq`, oldest first, page by page. */
  readPartition(partition: Partition, afterSeq: number): AsyncIterable<readonly StoredCommit[]>
  /** Those of them that record a domain event; what lies between costs nothing. */
  readDomainEvents(partition: Partition, afterSeq: number): AsyncIterable<readonly StoredCommit[]>
  head(partition: Partition): Promise<Head>
  /** The highest id of a task whose stream ends with `task.archived`. */
  newestArchivedTask(): Promise<string | undefined>
  /** Fences out every other owner: durable before it resolves. Tries again when another commit comes in between. */
  acquire(partition: Partition, node: string, at: Instant): Promise<Ownership>
  close(): Promise<void>
}
