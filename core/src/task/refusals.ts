/** The ways a task says no. A refusal is a value with a category (`code`) that maps to a status, and a `reason` with a page of its own. */
import { FUNCTION_REFUSAL_CODES, type FunctionRefusalReason } from '../function/refusals.js'
import type { StepId } from '../kernel/ids.js'

export type RefusalCode = 'NOT_FOUND' | 'CONFLICT' | 'INVALID_INPUT' | 'INVALID_STATE' | 'BACKPRESSURE'

export type TaskRefusalReason =
  | 'TASK_NOT_FOUND'
  | 'TASK_EXISTS'
  | 'TASK_FINISHED'
  | 'TASK_NOT_FINISHED'
  | 'TASK_ARCHIVED'
  | 'CANCEL_ALREADY_REQUESTED'
  | 'TASK_COMPENSATING'
  | 'UNKNOWN_STEP'
  | 'STEP_NOT_READY'
  | 'LEASE_LOST'
  | 'DEAD_LETTER_NOT_FOUND'
  | 'DEAD_LETTER_PENDING'
  | 'TASK_ALREADY_PAUSED'
  | 'TASK_NOT_PAUSED'
  | 'TASK_NOT_BLOCKED'
  | 'NOTHING_TO_RETRY'
  | 'STEP_NOT_FAILED'
  | 'STEP_FINISHED'
  | 'NO_FUNCTION'
  | 'JOURNAL_HAS_NEWS'
  | FunctionRefusalReason

export interface TaskRefusal {
  readonly code: RefusalCode
  readonly reason: TaskRefusalReason
  /** One sentence for people, with the names in it. */
  readonly message: string
  readonly step?: StepId
}

const CODE_OF: { readonly [Reason in TaskRefusalReason]: RefusalCode } = {
  TASK_NOT_FOUND: 'NOT_FOUND',
  TASK_EXISTS: 'CONFLICT',
  TASK_FINISHED: 'INVALID_STATE',
  TASK_NOT_FINISHED: 'INVALID_STATE',
  TASK_ARCHIVED: 'INVALID_STATE',
  CANCEL_ALREADY_REQUESTED: 'INVALID_STATE',
  TASK_COMPENSATING: 'INVALID_STATE',
  UNKNOWN_STEP: 'NOT_FOUND',
  STEP_NOT_READY: 'INVALID_STATE',
  LEASE_LOST: 'CONFLICT',
  DEAD_LETTER_NOT_FOUND: 'NOT_FOUND',
  DEAD_LETTER_PENDING: 'INVALID_STATE',
  TASK_ALREADY_PAUSED: 'INVALID_STATE',
  TASK_NOT_PAUSED: 'INVALID_STATE',
  TASK_NOT_BLOCKED: 'INVALID_STATE',
  NOTHING_TO_RETRY: 'INVALID_STATE',
  STEP_NOT_FAILED: 'INVALID_STATE',
  STEP_FINISHED: 'INVALID_STATE',
  NO_FUNCTION: 'INVALID_STATE',
  JOURNAL_HAS_NEWS: 'INVALID_STATE',
  ...FUNCTION_REFUSAL_CODES,
}

export const refuse = (
  reason: TaskRefusalReason,
  message: string,
  step?: StepId,
): { readonly type: 'refused'; readonly refusal: TaskRefusal } => ({
  type: 'refused',
  refusal: step === undefined ? { code: CODE_OF[reason], reason, message } : { code: CODE_OF[reason], reason, message, step },
})
