/** Whether a failed step may be tried again. */
import { LIMITS } from '../limits.js'
import type { Failure } from '../task/failure.js'
import type { RetryPolicy } from './policy.js'

/** `attemptsSinceReset` counts the attempt that just failed. */
export const retryAllowed = (policy: RetryPolicy, attemptsSinceReset: number, failure: Failure): boolean =>
  failure.retryable && policy.retryable && attemptsSinceReset < attemptsAllowed(policy) && !isPermanentKind(policy, failure)

/** Attempts a budget holds: a policy of 0 behaves as 1, and none is above `LIMITS.retryAttemptsMax`. */
export const attemptsAllowed = (policy: RetryPolicy): number => Math.min(Math.max(1, policy.maxAttempts), LIMITS.retryAttemptsMax)

/** No number of attempts would help: the failure says so itself, or the policy says so of its kind. */
export const isBeyondRetry = (policy: RetryPolicy, failure: Failure): boolean =>
  !failure.retryable || isPermanentKind(policy, failure)

const isPermanentKind = (policy: RetryPolicy, failure: Failure): boolean =>
  policy.nonRetryableErrors.length > 0 &&
  (policy.nonRetryableErrors.includes(failure.errorType) ||
    (failure.code !== undefined && policy.nonRetryableErrors.includes(failure.code)))
