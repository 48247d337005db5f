/**
 * The facts of a task's stream. Each is one past-tense statement; together, folded in order, they are the task.
 *
 * T1  The first event is `task.submitted`; `steps.created` of the initial segment stands in the same commit.
 * T2  At most one terminal event, and nothing after it but `task.archived`, which is the last.
 * T3  An attempt's number is never used twice in a step.
 */
import type { DurationMs, Instant } from '../kernel/instant.js'
import type { Namespace, StepId, TemplateHash, WorkerId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { BatchRange } from './choice.js'
import type { KeyKind } from '../key/key.js'
import type { EventDelivery, EventOutcome } from '../template/published-event.js'
import type { EventProblem } from './event-note.js'
import type { WatchedState } from '../template/lifecycle.js'
import type { CallsCreated, FunctionEvent } from '../function/events.js'
import type { Failure } from './failure.js'
import type { ParentLink } from './parent.js'
import type { DeadLetterStatus } from './letters/dead-letter.js'
import type { TimeoutKind } from './timeout-kind.js'

export interface TaskSubmitted {
  readonly type: 'task.submitted'
  readonly namespace: Namespace
  readonly name: string
  readonly version: string
  readonly templateHash: TemplateHash
  /** The environment whose overrides the template had; the hash is of the template with them. */
  readonly environment?: string
  /** The context, byte for byte as received. */
  readonly context: JsonText
  readonly priority: number
  readonly tags: readonly string[]
  readonly correlationId: string
  readonly parentCorrelationId?: string
  readonly initiator?: string
  readonly sourceSystem?: string
  readonly reason?: string
  readonly idempotencyKey?: string
  /** Whose turns its steps take in queues: the template's `fairness_key`, with its expressions evaluated. */
  readonly fairnessKey?: string
  /** What a template that says `strict` knows the context by; a key that was given goes before it, and then there is none. */
  readonly identity?: string
  /** Not before this instant does any step become ready. */
  readonly runAt?: Instant
  /** The task that began this one. */
  readonly parent?: ParentLink
}

/** The steps that exist from the start. */
export interface InitialStepsCreated {
  readonly type: 'steps.created'
  readonly segment: 'initial'
  readonly steps: readonly StepId[]
}

/** What a decision opened; in the commit of its end. */
export interface BranchesCreated {
  readonly type: 'steps.created'
  readonly segment: 'decision'
  readonly decision: StepId
  /** The steps that the decision named. */
  readonly chosen: readonly StepId[]
  /** Those, and what lies behind them up to the next decisions. */
  readonly steps: readonly StepId[]
  /** Steps that can never come any more. */
  readonly notTaken: readonly StepId[]
  /** Why nothing was chosen, in the handler's words. */
  readonly reason?: string
}

/** The workers of a batch; in the commit of its analyzer's end. */
export interface BatchesCreated {
  readonly type: 'steps.created'
  readonly segment: 'batches'
  readonly batchable: StepId
  /** The workers, one a range. None when the batchable step ended without saying. */
  readonly steps: readonly StepId[]
  readonly ranges: readonly BatchRange[]
  /** There is nothing to do, and the one worker hears so. */
  readonly isNoOp: boolean
  readonly totalItems?: number
  readonly reason?: string
}

export type StepsCreated = InitialStepsCreated | BranchesCreated | BatchesCreated | CallsCreated

/** The step is ready: everything it depends on is satisfied. `attempt` is the number its next start will have. */
export interface StepScheduled {
  readonly type: 'step.scheduled'
  readonly step: StepId
  readonly attempt: number
}

/** A ready step has a place of the next of its keys. It may start when it has one of each. */
export interface StepAdmitted {
  readonly type: 'step.admitted'
  readonly step: StepId
  readonly attempt: number
  readonly kind: KeyKind
  readonly key: string
}

export interface StepStarted {
  readonly type: 'step.started'
  readonly step: StepId
  readonly attempt: number
  readonly worker: WorkerId
}

/** A start that never reached its worker; it costs no attempt of the policy, though its number stays used. */
export interface StepReleased {
  readonly type: 'step.released'
  readonly step: StepId
  readonly attempt: number
  readonly reason: string
}

/** A durable function waits, and gives its worker back: nothing is spent, and its number stays used. */
export interface StepSuspended {
  readonly type: 'step.suspended'
  readonly step: StepId
  readonly attempt: number
}

/** A running attempt saved how far it came, and goes on with its time renewed. */
export interface StepCheckpointed {
  readonly type: 'step.checkpointed'
  readonly step: StepId
  readonly attempt: number
  /** From 1 within an attempt. */
  readonly number: number
  readonly cursor: JsonText
  readonly itemsProcessed: number
  readonly accumulated?: JsonText
}

export interface StepCompleted {
  readonly type: 'step.completed'
  readonly step: StepId
  readonly attempt: number
  /** The result, byte for byte as received. */
  readonly output: JsonText
  /** What the handler tells people beside its result; other steps do not see it. */
  readonly metadata?: JsonText
}

/**
 * An attempt ended without success. Whether the step is over is said by the event that follows: `step.retry_scheduled` or none. A step that
 * could not even begin fails with the number of the attempt before, 0 for none.
 */
export interface StepFailed {
  readonly type: 'step.failed'
  readonly step: StepId
  readonly attempt: number
  readonly failure: Failure
  readonly metadata?: JsonText
  /** True when no further attempt will be made unless a person steps in. */
  readonly permanent: boolean
}

export interface StepTimedOut {
  readonly type: 'step.timed_out'
  readonly kind: TimeoutKind
  readonly step: StepId
  readonly attempt: number
  readonly timeoutMs: DurationMs
  readonly permanent: boolean
}

export interface StepRetryScheduled {
  readonly type: 'step.retry_scheduled'
  readonly step: StepId
  /** The number of the attempt to come. */
  readonly attempt: number
  readonly dueAt: Instant
  readonly delayMs: DurationMs
}

/** Its condition is false: it is satisfied without having run, and its result is null. */
export interface StepSkipped {
  readonly type: 'step.skipped'
  readonly step: StepId
  /** The condition, as the template has it. */
  readonly condition: string
}

export interface StepCancelled {
  readonly type: 'step.cancelled'
  readonly step: StepId
}

/** A result that came too late, or from a worker that no longer held the attempt; recorded once an attempt. */
export interface StepResultIgnored {
  readonly type: 'step.result_ignored'
  readonly step: StepId
  readonly attempt: number
  readonly outcome: 'completed' | 'failed'
  readonly reason: string
}

/**
 * A result had something to tell outside. It stands behind its result in the same commit, and the payload is that result unless one was given;
 * with `problems` it is refused, and is told to nobody.
 */
export interface DomainEventRecorded {
  readonly type: 'domain_event.recorded'
  readonly name: string
  readonly step: StepId
  readonly attempt: number
  readonly outcome: EventOutcome
  readonly delivery: Exclude<EventDelivery, 'fast'>
  readonly correlationId: string
  /** Name and version of the template, as `name@version`. */
  readonly template: string
  /** What the handler or a publisher made of the result, byte for byte. */
  readonly payload?: JsonText
  /** One JSON object of the publisher's. */
  readonly metadata?: JsonText
  readonly problems?: readonly EventProblem[]
}

/** A step failed for good and nothing of the task is active any more: it waits for a person. Not terminal. */
export interface TaskBlocked {
  readonly type: 'task.blocked'
  readonly steps: readonly StepId[]
}

export interface TaskCancelRequested {
  readonly type: 'task.cancel_requested'
  readonly reason?: string
  readonly graceMs: DurationMs
}

export interface TaskCancelled {
  readonly type: 'task.cancelled'
}

export interface TaskCompleted {
  readonly type: 'task.completed'
}

/** Completed work is taken back: nothing of the task is active, and from here on only ways back run. */
export interface CompensationStarted {
  readonly type: 'compensation.started'
  /** A step that failed where that means taking back, or the cancellation of the task. */
  readonly cause: 'failure' | 'cancellation'
  /** The steps that are to be taken back. */
  readonly steps: readonly StepId[]
}

/** Every step that has a way back was taken back, or closed by a person. */
export interface CompensationCompleted {
  readonly type: 'compensation.completed'
}

/** Ways back failed for good and nothing is active: a person has to see to them. Not terminal. */
export interface CompensationFailed {
  readonly type: 'compensation.failed'
  readonly steps: readonly StepId[]
}

/** The task ended without success: terminal. A failed step alone never does that (it blocks), so something named in `code` did. */
export interface TaskFailed {
  readonly type: 'task.failed'
  /** A stable code for programs. */
  readonly code: string
  /** One sentence for people. */
  readonly message: string
}

/** The task, or a step of it, stayed as it is for longer than its lifecycle allows. */
export interface TaskWentStale {
  readonly type: 'task.went_stale'
  readonly state: WatchedState
  /** Absent when it is the task as a whole. */
  readonly step?: StepId
  /** When that wait began. */
  readonly since: Instant
  readonly thresholdMs: DurationMs
  /** Whether a dead letter is opened for it, unless one is pending. */
  readonly deadLetter: boolean
}

/** The task is in the dead letters, by a person's word or because nobody serves the queue of a step. Opens an entry. */
export interface TaskDeadLettered {
  readonly type: 'task.dead_lettered'
  readonly reason: 'worker_unavailable' | 'manual_dlq'
  /** The attempt that no worker takes. */
  readonly step?: StepId
  readonly attempt?: number
  readonly by?: string
  readonly notes?: string
  readonly metadata?: JsonText
}

/** A person wrote on an entry, or closed it. */
export interface TaskDeadLetterUpdated {
  readonly type: 'task.dead_letter_updated'
  readonly entry: number
  readonly status?: DeadLetterStatus
  readonly by?: string
  readonly notes?: string
  readonly metadata?: JsonText
}

/** What an operator's order leaves in the log beside the actor of its commit. */
interface ByOperator {
  readonly reason?: string
  /** Who did it, as the caller says it. */
  readonly by?: string
}

/** Nothing starts until it is resumed; what runs goes on. */
export interface TaskPaused extends ByOperator {
  readonly type: 'task.paused'
}

export interface TaskResumed extends ByOperator {
  readonly type: 'task.resumed'
}

/** An operator wants the failed steps tried again; each of them is reset by an event of its own. */
export interface TaskRetried extends ByOperator {
  readonly type: 'task.retried'
  readonly steps: readonly StepId[]
}

/** Terminal: an operator closed a task that was blocked. */
export interface TaskResolvedManually extends ByOperator {
  readonly type: 'task.resolved_manually'
}

/** The failed step has a new budget of attempts; their numbers go on. */
export interface StepResetForRetry extends ByOperator {
  readonly type: 'step.reset_for_retry'
  readonly step: StepId
}

/** An operator closed the step: what depends on it may go on. */
export interface StepResolvedManually extends ByOperator {
  readonly type: 'step.resolved_manually'
  readonly step: StepId
}

/** An operator gave the step's result. */
export interface StepCompletedManually extends ByOperator {
  readonly type: 'step.completed_manually'
  readonly step: StepId
  /** The result, byte for byte as received. */
  readonly output: JsonText
  /** What the operator wants kept beside the result, byte for byte as received. */
  readonly metadata?: JsonText
}

/** How a task that is archived had ended, as people are shown it. */
export const ARCHIVED_STATUSES = ['complete', 'cancelled', 'error', 'resolved_manually'] as const
export type ArchivedStatus = (typeof ARCHIVED_STATUSES)[number]

/**
 * The task lies in an archive, and what came before this event may be gone from the log. It says all that the server still has to know: a
 * stream that begins with it is whole.
 */
export interface TaskArchived {
  readonly type: 'task.archived'
  /** The archive that holds the events before this one, with their proof. */
  readonly archive: string
  /** Those events are the versions from 1 to this. */
  readonly versions: number
  /** How many commits they are in. */
  readonly commits: number
  /** The place of the last of those commits in the partition, and its hash, 64 hexadecimal digits: what the commit of this event is linked to. */
  readonly lastSeq: number
  readonly lastHash: string
  /** Name and version of the template. */
  readonly name: string
  readonly version: string
  readonly status: ArchivedStatus
  readonly submittedAt: Instant
  readonly endedAt: Instant
  /** What the task's duplicates were known by; it is free for another from here on. */
  readonly identity?: string
}

export type TaskEvent =
  | TaskSubmitted
  | StepsCreated
  | StepScheduled
  | StepAdmitted
  | StepStarted
  | StepReleased
  | StepSuspended
  | StepCheckpointed
  | StepCompleted
  | StepFailed
  | StepTimedOut
  | StepRetryScheduled
  | StepSkipped
  | StepCancelled
  | StepResultIgnored
  | DomainEventRecorded
  | TaskBlocked
  | TaskWentStale
  | TaskDeadLettered
  | TaskDeadLetterUpdated
  | TaskCancelRequested
  | TaskCancelled
  | TaskCompleted
  | TaskFailed
  | TaskPaused
  | TaskResumed
  | TaskRetried
  | TaskResolvedManually
  | StepResetForRetry
  | StepResolvedManually
  | StepCompletedManually
  | CompensationStarted
  | CompensationCompleted
  | CompensationFailed
  | TaskArchived
  | FunctionEvent

export type TaskEventType = TaskEvent['type']

export const TERMINAL_EVENTS: ReadonlySet<TaskEventType> = new Set([
  'task.completed',
  'task.cancelled',
  'task.failed',
  'task.resolved_manually',
])
