/** The ends of a task that are no result. */
import type { Failure } from './failure.js'

export interface BlockedStep {
  readonly stepId: string
  readonly failure: Failure
}

/** The task cannot go on by itself: these steps failed for good and wait for a person. */
export class TaskBlockedError extends Error {
  override readonly name = 'TaskBlockedError'
  readonly code = 'INVALID_STATE'
  readonly reason = 'TASK_BLOCKED'
  readonly taskId: string
  readonly steps: readonly BlockedStep[]

  constructor(taskId: string, steps: readonly BlockedStep[]) {
    const told = steps.map((step) => `${step.stepId}: ${step.failure.message}`).join('; ')
    super(`task ${taskId} is blocked by ${steps.length === 1 ? 'a failed step' : `${steps.length} failed steps`} (${told})`)
    this.taskId = taskId
    this.steps = steps
  }
}

/** The task failed as a whole and is over. */
export class TaskFailedError extends Error {
  override readonly name = 'TaskFailedError'
  readonly code = 'INVALID_STATE'
  readonly reason = 'TASK_FAILED'
  readonly taskId: string
  /** What ended it, for programs. */
  readonly failureCode: string

  constructor(taskId: string, failureCode: string, message: string) {
    super(`task ${taskId} failed with ${failureCode}: ${message}`)
    this.taskId = taskId
    this.failureCode = failureCode
  }
}

/** The task was cancelled. */
export class TaskCancelledError extends Error {
  override readonly name = 'TaskCancelledError'
  readonly code = 'INVALID_STATE'
  readonly reason = 'TASK_CANCELLED'
  readonly taskId: string
  /** What the canceller said; empty when nothing. */
  readonly cancelReason: string

  constructor(taskId: string, cancelReason: string) {
    super(`task ${taskId} was cancelled${cancelReason === '' ? '' : `: ${cancelReason}`}`)
    this.taskId = taskId
    this.cancelReason = cancelReason
  }
}

/** A person closed the task while it was blocked. */
export class TaskResolvedError extends Error {
  override readonly name = 'TaskResolvedError'
  readonly code = 'INVALID_STATE'
  readonly reason = 'TASK_RESOLVED'
  readonly taskId: string
  /** What the person said; empty when nothing. */
  readonly resolveReason: string

  constructor(taskId: string, resolveReason: string) {
    super(`task ${taskId} was resolved by hand${resolveReason === '' ? '' : `: ${resolveReason}`}`)
    this.taskId = taskId
    this.resolveReason = resolveReason
  }
}

/** An update was not answered with a value: its handler threw, the function refused it, or the task ended before. */
export class UpdateFailedError extends Error {
  override readonly name = 'UpdateFailedError'
  readonly code: 'INVALID_STATE' | 'INVALID_INPUT'
  readonly reason = 'UPDATE_FAILED'
  readonly taskId: string
  /** Such as `UNKNOWN_UPDATE`, `UPDATE_REFUSED`, `UPDATE_NOT_ANSWERED`, or the code of what the handler threw. */
  readonly failureCode: string
  /** The function did nothing: it has nobody for the name, or the payload does not fit. */
  readonly refused: boolean
  readonly failure: Failure

  constructor(taskId: string, update: string, failure: Failure, refused: boolean) {
    super(`the update ${update} of task ${taskId} ${refused ? 'was refused' : 'failed'}: ${failure.message}`)
    this.code = refused ? 'INVALID_INPUT' : 'INVALID_STATE'
    this.taskId = taskId
    this.failureCode = failure.code
    this.refused = refused
    this.failure = failure
  }
}
