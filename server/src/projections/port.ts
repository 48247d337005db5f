/**
 * Where projected rows live, beside the log. Written behind it, in batches that carry their checkpoints.
 *
 * P1  Rows and checkpoints of one batch become visible together or not at all.
 * P2  A checkpoint moves only from the value the writer believes in (compare and set); a `conflict` writes nothing.
 * P3  A read that refills memory returns rows and the checkpoints of the same snapshot.
 */
import type {
  ActivityRow,
  DeadLetterRow,
  Instant,
  KeyRow,
  Namespace,
  Partition,
  QueueName,
  ReadyRow,
  ScheduleRow,
  StepId,
  TaskId,
  TaskRow,
  TimerRow,
} from '@tasker/core'
import type { QueueRequest } from './queue-scan.js'
import type { SnapshotRow } from './snapshots/snapshot.js'

export interface CheckpointMove {
  readonly partition: Partition
  readonly from: number
  readonly to: number
}

export interface IdentityRow {
  /** SHA-256 of namespace, template name and idempotency key or context, hexadecimal. */
  readonly scope: string
  readonly taskId: TaskId
}

/** A task that is archived: none of its rows stay, and what its duplicates were known by is free. */
export interface RemovedTask {
  readonly taskId: TaskId
  /** The scope of its identity, where it had one; another task may have it by now. */
  readonly identity: string | undefined
}

export interface ProjectionBatch {
  readonly checkpoints: readonly CheckpointMove[]
  /** Upserts; one row a task at most. */
  readonly tasks: readonly TaskRow[]
  /** Tasks whose stored ready and timer rows are deleted before the rows below are inserted. */
  readonly cleared: readonly TaskId[]
  readonly ready: readonly ReadyRow[]
  readonly timers: readonly TimerRow[]
  readonly identities: readonly IdentityRow[]
  /** What the batch adds to each hour's rows; one row a key at most. */
  readonly activity: readonly ActivityRow[]
  /** Upserts; one row a key at most. */
  readonly keys: readonly KeyRow[]
  /** Upserts; one row a schedule at most. */
  readonly schedules: readonly ScheduleRow[]
  /** All entries of each task that has one; they take the place of what is stored of those tasks. */
  readonly deadLetters: readonly DeadLetterRow[]
  /** Upserts; one row a task at most. */
  readonly snapshots: readonly SnapshotRow[]
  /** None of them is in `tasks`, and none of their scopes in `identities`. */
  readonly removed: readonly RemovedTask[]
}

/** A place among the steps of a queue, oldest first. */
export interface WaitingPlace {
  readonly readyAt: Instant
  readonly taskId: TaskId
  readonly step: StepId
}

export interface Snapshot<Row> {
  readonly rows: readonly Row[]
  readonly checkpoints: ReadonlyMap<Partition, number>
}

export interface ProjectionStore {
  checkpoints(): Promise<ReadonlyMap<Partition, number>>
  write(batch: ProjectionBatch): Promise<'written' | 'conflict'>
  /** Queues that have rows, with how many. */
  readyQueues(): Promise<readonly { readonly namespace: Namespace; readonly queue: QueueName; readonly waiting: number }[]>
  /** Of the fairness keys that are asked for, the rows that go first: `shareOf` of each. */
  ready(namespace: Namespace, queue: QueueName, request: QueueRequest): Promise<Snapshot<ReadyRow>>
  /** The rows of one queue that became ready before an instant, oldest first, after a place in that order. */
  longestWaiting(
    namespace: Namespace,
    queue: QueueName,
    readyBefore: Instant,
    after: WaitingPlace | undefined,
    limit: number,
  ): Promise<readonly ReadyRow[]>
  /** Timers due before an instant, earliest first. */
  timers(dueBefore: Instant, limit: number): Promise<Snapshot<TimerRow>>
  /** Attempts that were out at the checkpoint: all `step_timeout` rows, and the `heartbeat` rows of those that must be heard of. */
  inFlight(): Promise<readonly TimerRow[]>
  /** Tasks with a `linked` row at the checkpoint, in order, after one of them. */
  linked(after: TaskId | undefined, limit: number): Promise<readonly TaskId[]>
  identity(scope: string): Promise<TaskId | undefined>
  key(namespace: Namespace, queue: QueueName): Promise<KeyRow | undefined>
  /** The keys that had holders at the checkpoint. */
  heldKeys(): Promise<readonly Pick<KeyRow, 'namespace' | 'queue'>[]>
  schedule(namespace: Namespace, name: string): Promise<ScheduleRow | undefined>
  /** The schedules that there were at the checkpoint. */
  liveSchedules(): Promise<readonly Pick<ScheduleRow, 'namespace' | 'name'>[]>
  /** The last snapshot of a task, whatever its schema. */
  snapshot(taskId: TaskId): Promise<SnapshotRow | undefined>
  close(): Promise<void>
}
