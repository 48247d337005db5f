/** What a handler, or the engine on its behalf, reports when an attempt did not succeed. */
import type { DurationMs } from '../kernel/instant.js'

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
