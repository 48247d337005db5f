/** One commit of a task between its decision and its place in the log. */
import type { IdentityRow } from '../projections/port.js'
import type { Cause, Instant, LiveTask, TaskEvent } from '@tasker/core'
import type { Lease } from '../dispatch/lease.js'
import type { CommitDraft } from '../log/port.js'
import type { PendingCommit, Settled } from './group-commit.js'
import type { TaskStream } from './task-stream.js'

export interface TaskCommit extends PendingCommit {
  readonly stream: TaskStream
  readonly draft: CommitDraft
  readonly events: readonly TaskEvent[]
  readonly at: Instant
  readonly cause: Cause
  /** The task after this commit. */
  readonly state: LiveTask
  readonly version: number
  /** Attempts this commit starts, to be sent when it is durable. */
  readonly started: readonly Lease[]
  /** Attempts this commit timed out, whose workers are told when it is durable. */
  readonly overdue: readonly Lease[]
  readonly identity: IdentityRow | undefined
  /** Answers that may leave only when this commit is durable, or must say that it is lost. */
  readonly answers: ((settled: Settled) => void)[]
}
