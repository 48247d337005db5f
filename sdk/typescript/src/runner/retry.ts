/** When a failed attempt of a step that runs in a function is followed by another, and after what delay. */
import type { OperationRetry } from '../durable/options.js'
import { durationMs } from '../duration.js'
import type { Failure } from '../errors/failure.js'
import { LIMITS } from '../limits.js'

/** What is not said is as the steps of templates have it. */
export interface RetryPolicy extends Required<Omit<OperationRetry, 'backoffBase' | 'maxBackoff'>> {
  readonly baseMs: number
  readonly maxDelayMs: number
}

/** Throws `BAD_DURATION`. */
export const policyOf = (retry: OperationRetry = {}): RetryPolicy => ({
  retryable: retry.retryable ?? true,
  maxAttempts: Math.max(1, retry.maxAttempts ?? LIMITS.retryAttemptsDefault),
  backoff: retry.backoff ?? 'exponential',
  baseMs: durationMs(retry.backoffBase ?? LIMITS.retryBaseMsDefault),
  maxDelayMs: durationMs(retry.maxBackoff ?? LIMITS.retryDelayMsDefault),
  jitter: retry.jitter ?? JITTER_DEFAULT,
  nonRetryableErrors: retry.nonRetryableErrors ?? [],
})

const JITTER_DEFAULT = 0.15

/** `attempt` is the number of the one that failed, from 1. */
export const retryAllowed = (policy: RetryPolicy, attempt: number, failure: Failure): boolean =>
  failure.retryable &&
  policy.retryable &&
  attempt < policy.maxAttempts &&
  !policy.nonRetryableErrors.includes(failure.errorType) &&
  !policy.nonRetryableErrors.includes(failure.code)

/** `draw` is a number from 0 to 1; a delay that the failure asked for is the least. */
export const delayAfter = (policy: RetryPolicy, attempt: number, draw: number, failure: Failure): number => {
  const capped = Math.min(policy.baseMs * growth(policy, attempt), policy.maxDelayMs)
  return Math.max(Math.round(capped * (1 + policy.jitter * (2 * draw - 1))), failure.retryAfterMs)
}

const growth = ({ backoff }: RetryPolicy, attempt: number): number => {
  switch (backoff) {
    case 'none':
      return 0
    case 'linear':
      return attempt
    case 'exponential':
      return 2 ** (attempt - 1)
    case 'fibonacci':
      return fibonacci(attempt)
  }
}

/** 1, 1, 2, 3, 5 … */
const fibonacci = (n: number): number => {
  let [previous, current] = [0, 1]
  for (let i = 1; i < n; i++) [previous, current] = [current, previous + current]
  return current
}
