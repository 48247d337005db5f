/** The orders a task's stream can be given. Time, dice and parsed content come in with them. */
import type { DurationMs, Instant } from '../kernel/instant.js'
import type { Namespace, StepId, WorkerId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { ChildOver, JournalProposal } from '../function/commands.js'
import type { KeyKind } from '../key/key.js'
import type { Plan } from '../template/plan.js'
import type { StepChoice } from './choice.js'
import type { EventNotes } from './event-note.js'
import type { Failure } from './failure.js'
import type { ParentLink } from './parent.js'
import type { DeadLetterStatus } from './letters/dead-letter.js'
import type { HeardSteps } from './letters/staleness.js'
import type { TimeoutKind } from './timeout-kind.js'

export interface SubmitTask {
  readonly type: 'submit'
  readonly at: Instant
  readonly plan: Plan
  readonly namespace: Namespace
  readonly context: JsonText
  readonly priority: number
  readonly tags: readonly string[]
  readonly correlationId: string
  readonly parentCorrelationId?: string
  readonly initiator?: string
  readonly sourceSystem?: string
  readonly reason?: string
  readonly idempotencyKey?: string
  readonly identity?: string
  readonly runAt?: Instant
  readonly parent?: ParentLink
}

/** The wait that `runAt` asked for is over. */
export interface ReleaseTask {
  readonly type: 'run_due'
  readonly at: Instant
}

/** A worker has a slot for an enqueued attempt. */
export interface StartStep {
  readonly type: 'start'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  readonly worker: WorkerId
}

/** An enqueued attempt was given a place of a key. */
export interface AdmitStep {
  readonly type: 'admit'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  readonly kind: KeyKind
  readonly key: string
}

/** A start that was never sent is taken back. */
export interface ReleaseStep {
  readonly type: 'release'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  readonly reason: string
}

export interface CompleteStep {
  readonly type: 'complete'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  readonly worker: WorkerId
  readonly output: JsonText
  readonly metadata?: JsonText
  /** What a decision or an analyzer says beside its result. */
  readonly choice?: StepChoice
  /** What came for the step's domain events. */
  readonly eventNotes?: EventNotes
}

/** A running attempt saves how far it came. */
export interface CheckpointStep {
  readonly type: 'checkpoint'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  readonly worker: WorkerId
  /** From 1 within the attempt: a number that was saved before is a repeat. */
  readonly number: number
  readonly cursor: JsonText
  readonly itemsProcessed: number
  readonly accumulated?: JsonText
}

/** An attempt failed: reported by its worker, or by the engine for a worker that was lost (then `failure.code` is `WORKER_LOST`). */
export interface FailStep {
  readonly type: 'fail'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  readonly worker: WorkerId
  readonly failure: Failure
  readonly metadata?: JsonText
  /** A draw from [0, 1) for the jitter of the delay. */
  readonly draw: number
  /** What came for the step's domain events. */
  readonly eventNotes?: EventNotes
}

/** The worker stopped the attempt because the task is being cancelled. */
export interface StepStopped {
  readonly type: 'stopped'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  readonly worker: WorkerId
}

/** One of a step's times ran out. */
export interface TimeOutStep {
  readonly type: 'time_out'
  readonly kind: TimeoutKind
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  readonly draw: number
}

/** The delay before an attempt is over. */
export interface RetryDue {
  readonly type: 'retry_due'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
}

export interface CancelTask {
  readonly type: 'cancel'
  readonly at: Instant
  readonly reason?: string
  /** What running steps get to finish; `LIMITS.cancelGraceMs` when not given. */
  readonly graceMs?: DurationMs
}

/** Running steps had their grace; the cancelled task ends now. */
export interface CancelGraceOver {
  readonly type: 'cancel_grace_over'
  readonly at: Instant
}

/** The task is over without success, for a reason that lies outside its steps. */
export interface FailTask {
  readonly type: 'fail_task'
  readonly at: Instant
  /** A stable code for programs. */
  readonly code: string
  /** One sentence for people. */
  readonly message: string
}

/** A wait of the task may be over. */
export interface StalenessDue {
  readonly type: 'staleness_due'
  readonly at: Instant
  /** The last signs of life of its running steps, which no event tells. */
  readonly heard: HeardSteps
}

/** Somebody puts the task into the dead letters. */
export interface DeadLetterTask {
  readonly type: 'dead_letter'
  readonly at: Instant
  readonly by?: string
  readonly notes?: string
  readonly metadata?: JsonText
}

/** No worker serves the queue that an attempt waits in. */
export interface ReportUnserved {
  readonly type: 'report_unserved'
  readonly at: Instant
  readonly step: StepId
  readonly attempt: number
  /** How long the attempt has to have waited. */
  readonly thresholdMs: DurationMs
}

/** Somebody writes on a dead letter, or closes it. */
export interface UpdateDeadLetter {
  readonly type: 'update_dead_letter'
  readonly at: Instant
  readonly entry: number
  readonly status?: DeadLetterStatus
  readonly by?: string
  readonly notes?: string
  readonly metadata?: JsonText
}

/** What an operator says with every order. */
export interface ByOperator {
  readonly at: Instant
  readonly reason?: string
  /** Who gives it, where that is not the actor of the call. */
  readonly by?: string
}

export interface PauseTask extends ByOperator {
  readonly type: 'pause'
}

export interface ResumeTask extends ByOperator {
  readonly type: 'resume'
}

/** Every failed step is tried again, with a new budget. */
export interface RetryTask extends ByOperator {
  readonly type: 'retry'
}

/** A blocked task is closed as it is. */
export interface ResolveTask extends ByOperator {
  readonly type: 'resolve'
}

export interface ResetStep extends ByOperator {
  readonly type: 'reset_step'
  readonly step: StepId
}

export interface ResolveStep extends ByOperator {
  readonly type: 'resolve_step'
  readonly step: StepId
}

export interface CompleteStepByHand extends ByOperator {
  readonly type: 'complete_step'
  readonly step: StepId
  readonly output: JsonText
  readonly metadata?: JsonText
}

/** The events of a task that is over are in an archive. */
export interface ArchiveTask {
  readonly type: 'archive'
  readonly at: Instant
  readonly archive: string
  /** The version of the last event that is in the archive, in how many commits, and the place and hash of the last of them. */
  readonly versions: number
  readonly commits: number
  readonly lastSeq: number
  readonly lastHash: string
  readonly identity?: string
}

/** The worker that runs a durable function hands in what is to be recorded together. */
export interface RecordJournal {
  readonly type: 'record'
  readonly at: Instant
  readonly attempt: number
  readonly worker: WorkerId
  readonly proposals: readonly JournalProposal[]
  /** What the run does when that is recorded, in the same commit; it goes on when undefined. */
  readonly then?: AfterRecord
}

/** How a run that records something goes on. A suspension that may not be leaves what is recorded, and the run goes on. */
export type AfterRecord =
  | Pick<SuspendFunction, 'type' | 'seen'>
  | Pick<DivergeFunction, 'type' | 'expected' | 'actual' | 'line'>
  | Pick<ContinueFunction, 'type' | 'input' | 'seen' | 'unread'>

/** The function waits for what is in its journal: its run gives its slot back. */
export interface SuspendFunction {
  readonly type: 'suspend'
  readonly at: Instant
  readonly attempt: number
  readonly worker: WorkerId
  /** How many facts of its journal it has seen. */
  readonly seen: number
}

/** The code of the function does not fit its journal. */
export interface DivergeFunction {
  readonly type: 'diverge'
  readonly at: Instant
  readonly attempt: number
  readonly worker: WorkerId
  readonly expected: string
  readonly actual: string
  readonly line: string
}

/** The function goes on from its beginning, in the same run. */
export interface ContinueFunction {
  readonly type: 'continue'
  readonly at: Instant
  readonly attempt: number
  readonly worker: WorkerId
  readonly input: JsonText
  /** How many facts of its journal it has seen. */
  readonly seen: number
  /** The numbers of the signals among them that nobody took. */
  readonly unread: readonly number[]
}

/** A timer of a durable function may be due. */
export interface FunctionTimerDue {
  readonly type: 'timer_due'
  readonly at: Instant
  readonly key: string
}

/** An outside fact for a durable function. */
export interface SignalTask {
  readonly type: 'signal'
  readonly at: Instant
  readonly name: string
  readonly payload: JsonText
  readonly requestId?: string
}

/** A request that a durable function is to answer. */
export interface UpdateTask {
  readonly type: 'update'
  readonly at: Instant
  readonly id: string
  readonly name: string
  readonly payload: JsonText
}

export type TaskCommand =
  | SubmitTask
  | ReleaseTask
  | AdmitStep
  | StartStep
  | ReleaseStep
  | CompleteStep
  | CheckpointStep
  | FailStep
  | StepStopped
  | TimeOutStep
  | RetryDue
  | CancelTask
  | CancelGraceOver
  | FailTask
  | StalenessDue
  | DeadLetterTask
  | ReportUnserved
  | UpdateDeadLetter
  | PauseTask
  | ResumeTask
  | RetryTask
  | ResolveTask
  | ResetStep
  | ResolveStep
  | CompleteStepByHand
  | ArchiveTask
  | RecordJournal
  | SuspendFunction
  | DivergeFunction
  | ContinueFunction
  | FunctionTimerDue
  | SignalTask
  | UpdateTask
  | ChildOver
