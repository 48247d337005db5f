/** What a handler, or the engine on its behalf, reports when an attempt did not succeed. */
import type { DurationMs } from '../kernel/instant.js'
import type { TimeoutKind } from './timeout-kind.js'

export interface Failure {
  readonly message: string
  /** The error's class as its language names it, such as `PermanentError`. */
  readonly errorType: string
  /** A stable code, such as `WORKER_LOST`, `STEP_TIMED_OUT`, `RESULT_TOO_LARGE`, or one the handler chose. */
  readonly code?: string
  /** Whether another attempt may help; the policy still decides. */
  readonly retryable: boolean
  /** The least delay the failing side asked for, such as a server's `Retry-After`. */
  readonly retryAfterMs?: DurationMs
  readonly stack?: string
}

/** The code of the failure that the engine reports for a worker that is gone. */
export const WORKER_LOST = 'WORKER_LOST'

const TIMEOUTS: {
  readonly [Kind in TimeoutKind]: { readonly code: string; readonly retryable: boolean; readonly what: string }
} = {
  start_to_close: { code: 'STEP_TIMED_OUT', retryable: true, what: 'The attempt ran longer than' },
  heartbeat: { code: 'HEARTBEAT_TIMED_OUT', retryable: true, what: 'The handler gave no sign of life for' },
  // Another attempt would wait in the same queue.
  schedule_to_start: { code: 'SCHEDULE_TO_START_TIMED_OUT', retryable: false, what: 'No worker took the step for' },
  schedule_to_close: { code: 'SCHEDULE_TO_CLOSE_TIMED_OUT', retryable: false, what: 'All attempts together took longer than' },
}

/** The failure of a step one of whose times ran out. */
export const timeoutFailure = (kind: TimeoutKind, timeoutMs: DurationMs): Failure => {
  const { code, retryable, what } = TIMEOUTS[kind]
  return { message: `${what} ${timeoutMs} ms.`, errorType: 'StepTimedOut', code, retryable }
}

/** The failure of a step whose condition is neither true nor false. */
export const conditionFailure = (message: string): Failure => ({
  message: `The condition of the step has no value: ${message}.`,
  errorType: 'ConditionFailed',
  code: 'CONDITION_FAILED',
  retryable: false,
})

/** The failure of an attempt that its worker stopped although nobody asked to cancel the task. */
export const STOPPED_BY_WORKER: Failure = {
  message: 'The worker stopped the attempt by itself.',
  errorType: 'StepStopped',
  code: 'STEP_STOPPED',
  retryable: true,
}

/** Whether two reports tell the same failure; stacks may differ in form, so they do not count. */
export const sameFailure = (a: Failure, b: Failure): boolean =>
  a.message === b.message &&
  a.errorType === b.errorType &&
  a.code === b.code &&
  a.retryable === b.retryable &&
  a.retryAfterMs === b.retryAfterMs
