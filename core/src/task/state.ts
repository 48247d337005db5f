/** A task as its events made it: a plain object, never changed in place. */
import type { Instant } from '../kernel/instant.js'
import type { WorkerId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { FunctionJournal } from '../function/journal.js'
import type { Plan, StepGraph } from '../template/plan.js'
import type { BatchSpec } from '../template/batch-spec.js'
import type { BatchRange } from './choice.js'
import type { TaskArchived, TaskFailed, TaskSubmitted } from './events.js'
import type { Failure } from './failure.js'
import type { DeadLetters } from './letters/dead-letter.js'

/** A failure that a worker reported for an attempt, kept so that the same report is known when it comes again. */
export interface ReportedFailure {
  readonly attempt: number
  readonly worker: WorkerId
  readonly failure: Failure
}

/** What all step states carry. */
interface StepHistory {
  /** The highest attempt number given out so far: 0 before the first schedule. */
  readonly attempts: number
  /** Attempts that count against the policy: started since the last reset, and not released. */
  readonly attemptsSinceReset: number
  /** The latest attempts whose late result was recorded as ignored, in order; at most `LIMITS.ignoredAttemptsKeptMax`. */
  readonly ignored: readonly number[]
  /** When the current status began. */
  readonly since: Instant
  readonly firstStartedAt: Instant | undefined
  readonly lastStartedAt: Instant | undefined
  readonly lastFailure: Failure | undefined
  readonly lastFailedAt: Instant | undefined
  /** When the time over all attempts of this budget is over; stands still while the task is paused. */
  readonly closeBy: Instant | undefined
  /** The latest failures as their workers reported them, oldest first; at most `LIMITS.reportedFailuresKeptMax`. */
  readonly reported: readonly ReportedFailure[]
}

/** Behind a decision that was not made yet, or the template of workers that nobody asked for yet. */
export interface StepUncreated extends StepHistory {
  readonly status: 'uncreated'
}
/** No decision chose it and none can any more; or its workers stand in its place. It never runs. */
export interface StepNotTaken extends StepHistory {
  readonly status: 'not_taken'
}
export interface StepPending extends StepHistory {
  readonly status: 'pending'
}
/** Ready for a worker; `attempts` is the number its start will have. */
export interface StepEnqueued extends StepHistory {
  readonly status: 'enqueued'
  /** Of its keys, how many it has a place of. */
  readonly admitted: number
  /** When its wait for a worker is over; stands still while the task is paused. */
  readonly startBy: Instant | undefined
}
/** Attempt `attempts` is with a worker, and has until `deadlineAt`. */
export interface StepInProgress extends StepHistory {
  readonly status: 'in_progress'
  readonly worker: WorkerId
  readonly deadlineAt: Instant
}
/** Attempt `attempts` may start at `dueAt`. */
export interface StepWaitingForRetry extends StepHistory {
  readonly status: 'waiting_for_retry'
  readonly dueAt: Instant
}
export interface StepComplete extends StepHistory {
  readonly status: 'complete'
  /** Undefined when a person gave the output. */
  readonly worker: WorkerId | undefined
  readonly output: JsonText
}
/** Failed for good; `lastFailure` says how. */
export interface StepError extends StepHistory {
  readonly status: 'error'
  readonly worker: WorkerId | undefined
}
export interface StepCancelledState extends StepHistory {
  readonly status: 'cancelled'
  /** Who ran attempt `attempts` when it was cancelled; undefined when nobody did. */
  readonly worker: WorkerId | undefined
}

/** Its condition is false: it is satisfied, and has no result. */
export interface StepSkippedState extends StepHistory {
  readonly status: 'skipped'
}

/** A person closed it: what depends on it may go on, and its result is null. */
export interface StepResolvedManuallyState extends StepHistory {
  readonly status: 'resolved_manually'
}

/** It was complete and was taken back. */
export interface StepCompensated extends StepHistory {
  readonly status: 'compensated'
  /** Undefined when a person said that it is taken back. */
  readonly worker: WorkerId | undefined
  /** What its way back gave. */
  readonly output: JsonText
}

export type StepState =
  | StepUncreated
  | StepNotTaken
  | StepPending
  | StepEnqueued
  | StepInProgress
  | StepWaitingForRetry
  | StepComplete
  | StepError
  | StepCancelledState
  | StepSkippedState
  | StepResolvedManuallyState
  | StepCompensated

export type StepStatus = StepState['status']

/** A batch with its workers, which stand side by side in the graph. */
export interface BatchRun {
  readonly spec: BatchSpec
  /** The index of the first worker; the others follow, one a range. */
  readonly first: number
  readonly ranges: readonly BatchRange[]
  readonly isNoOp: boolean
}

/** How far an attempt came. */
export interface Checkpoint {
  readonly attempt: number
  readonly number: number
  readonly cursor: JsonText
  readonly itemsProcessed: number
  readonly accumulated: JsonText | undefined
  readonly savedAt: Instant
}

/**
 * The task's own phase. `waiting` until `runAt`; `running` while something may still happen by itself; `blocked` when only a person can help;
 * `cancelling` between the request and the end; `compensating` while completed steps are taken back.
 */
export type TaskPhase =
  | 'waiting'
  | 'running'
  | 'blocked'
  | 'cancelling'
  | 'compensating'
  | 'completed'
  | 'cancelled'
  | 'failed'
  | 'resolved_manually'

/** Whether steps may start. What runs goes on in a paused task, and what becomes ready waits. */
export type Pace =
  | { readonly type: 'going'; readonly resumedAt: Instant | undefined }
  | { readonly type: 'paused'; readonly since: Instant; readonly reason: string | undefined; readonly by: string | undefined }

export const GOING: Pace = { type: 'going', resumedAt: undefined }

/** Work that is being taken back, or was. */
export interface Compensation {
  readonly cause: 'failure' | 'cancellation'
  readonly startedAt: Instant
  /** By index of each step whose way back has begun, how the step had ended. */
  readonly undone: ReadonlyMap<number, StepComplete>
}

export interface LiveTask {
  readonly type: 'task'
  readonly phase: TaskPhase
  readonly pace: Pace
  readonly plan: Plan
  /** The steps of this task: the plan's own object as long as the task has no others. */
  readonly graph: StepGraph
  readonly submitted: TaskSubmitted
  readonly submittedAt: Instant
  readonly updatedAt: Instant
  /** When the phase became terminal. */
  readonly endedAt: Instant | undefined
  /** Set from the request on: why, and until when running steps may finish. */
  readonly cancel: { readonly reason: string | undefined; readonly graceUntil: Instant } | undefined
  /** Set once completed work is taken back. */
  readonly compensation: Compensation | undefined
  /** How the task failed; undefined unless it did. */
  readonly failed: TaskFailed | undefined
  /** Why a person closed the task, when one did and said why. */
  readonly resolvedReason: string | undefined
  /** By index of the graph. */
  readonly steps: readonly StepState[]
  /** Per step of the graph, how many of its dependencies are not satisfied yet. */
  readonly unmet: readonly number[]
  /** How many steps are in each status; always the count over `steps`. */
  readonly counts: { readonly [Status in StepStatus]: number }
  /** By the index of a decision that was made, the indexes of the steps it chose. */
  readonly choices: ReadonlyMap<number, readonly number[]>
  /** The batches whose workers exist. */
  readonly batches: readonly BatchRun[]
  /** By index of a step, what its attempts saved last; gone when the step is complete. */
  readonly checkpoints: ReadonlyMap<number, Checkpoint>
  readonly deadLetters: DeadLetters
  /** Of a task that runs a durable function. */
  readonly journal: FunctionJournal | undefined
}

/** A stream without events yet. */
export interface NoTask {
  readonly type: 'none'
}

/** A task of which the log keeps no more than where it lies; the same whether the events before are still there or not. */
export interface ArchivedTask {
  readonly type: 'archived'
  readonly archived: TaskArchived
  readonly archivedAt: Instant
}

export type TaskState = NoTask | LiveTask | ArchivedTask

export const NO_TASK: NoTask = { type: 'none' }

export const isTerminal = (phase: TaskPhase): boolean =>
  phase === 'completed' || phase === 'cancelled' || phase === 'failed' || phase === 'resolved_manually'
