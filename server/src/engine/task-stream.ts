/** One task in memory: the folded state, and the commits that are on their way to the log. */
import {
  type ArchivedTask,
  type Cause,
  type FastEvent,
  type DeadLetters,
  type Instant,
  instant,
  type LiveTask,
  NO_TASK,
  type Partition,
  stateChars,
  type TaskEvent,
  type TaskId,
  type TaskState,
} from '@tasker/core'
import type { Lease } from '../dispatch/worker.js'
import { NO_PREVIOUS_HASH } from '../log/commit-hash.js'
import type { CommitDraft } from '../log/port.js'
import type { IdentityRow } from '../projections/port.js'
import type { ProjectedStream } from '../projections/projector.js'
import type { PendingCommit, Settled } from './group-commit.js'

export interface TaskStream extends ProjectedStream {
  readonly taskId: TaskId
  readonly partition: Partition
  /** After every decision so far, durable or not. Only decisions look at it. */
  state: TaskState
  version: number
  lastHash: Buffer
  lastAt: Instant
  /** After every durable commit. What readers are shown. */
  durableState: TaskState
  durableVersion: number
  /** The last commit that is on its way. */
  lastPending: TaskCommit | undefined
  /** A rough size: characters of its events and a constant a step. */
  bytes: number
  /** Looked at since the cache last passed by. */
  touched: boolean
  /** No longer the stream of its task: a commit was lost, or its partition. Whoever holds it loads anew. */
  dropped: boolean
}

/** One commit of a task between its decision and its place in the log. */
export interface TaskCommit extends PendingCommit {
  readonly stream: TaskStream
  readonly draft: CommitDraft
  readonly events: readonly TaskEvent[]
  readonly at: Instant
  readonly cause: Cause
  /** The task after this commit; when that archives it, the task before. */
  readonly state: LiveTask
  /** Set by the commit that archives the task. */
  readonly archived: ArchivedTask | undefined
  readonly version: number
  /** The dead letters of the task before this commit. */
  readonly lettersBefore: DeadLetters
  /** Attempts this commit starts, to be sent when it is durable. */
  readonly started: readonly Lease[]
  /** Attempts this commit takes from their workers: when it is durable they are told, and their slots are free. */
  readonly takenAway: readonly Lease[]
  readonly identity: IdentityRow | undefined
  /** Domain events that go to listeners and into no log. */
  readonly fast: readonly FastEvent[]
  /** Answers that may leave only when this commit is durable, or must say that it is lost. */
  readonly answers: ((settled: Settled) => void)[]
}

/** What a folded task and its place in the cache cost, as measured on the heap, and what each step adds. */
const BYTES_PER_STREAM = 1_800
const BYTES_PER_STEP = 200

export const newStream = (taskId: TaskId, partition: Partition): TaskStream => ({
  taskId,
  partition,
  state: NO_TASK,
  version: 0,
  lastHash: NO_PREVIOUS_HASH,
  lastAt: instant(0),
  durableState: NO_TASK,
  durableVersion: 0,
  lastPending: undefined,
  bytes: BYTES_PER_STREAM,
  touched: true,
  dropped: false,
  storedRows: 'none',
  snapshotVersion: 0,
})

/** A rough size of a folded task: what it costs by itself, its steps, and what users gave. */
export const streamBytes = (state: LiveTask): number => BYTES_PER_STREAM + state.steps.length * BYTES_PER_STEP + stateChars(state)

/** What a commit adds to that at most: its characters, and a constant for each step that it created. */
export const grownBytes = (before: TaskState, after: LiveTask, chars: number): number =>
  chars + (after.steps.length - (before.type === 'task' ? before.steps.length : 0)) * BYTES_PER_STEP

/** The task as readers may see it; undefined before its first commit is durable. */
export const durableTask = (stream: TaskStream): LiveTask | undefined =>
  stream.durableState.type === 'task' ? stream.durableState : undefined
