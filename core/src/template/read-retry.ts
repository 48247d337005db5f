/** The `retry` block of a step, with the names it has had before. */
import { durationMs } from '../kernel/instant.js'
import { LIMITS } from '../limits.js'
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../retry/policy.js'
import { boolean, listOf, nameText, number, objectOf, oneOf, type Reader } from './fields.js'
import { addWarning } from './problem.js'

/** A whole number within hard bounds; outside the narrower usual ones it is used with a warning. */
const usually =
  (usualMin: number, usualMax: number, min: number, max: number): Reader<number> =>
  (value, path, findings) => {
    const read = number({ min, max, whole: true })(value, path, findings)
    if (read !== null && (read < usualMin || read > usualMax))
      addWarning(findings, 'UNUSUAL_VALUE', path, `${read} is outside the usual ${usualMin} to ${usualMax}, and is used as it is`)
    return read
  }

const HOUR_MS = 3_600_000

export const jitter: Reader<number> = number({ min: 0, max: 1, whole: false })
export const nonRetryableErrors: Reader<readonly string[]> = listOf(nameText(LIMITS.nameCharsMax))

export const retryFields = objectOf({
  retryable: { read: boolean },
  max_attempts: { read: usually(1, 100, 0, LIMITS.retryAttemptsMax), legacy: ['limit'] },
  backoff: { read: oneOf('none', 'linear', 'exponential', 'fibonacci') },
  backoff_base_ms: { read: usually(100, HOUR_MS, 0, LIMITS.retryDelayMsMax), legacy: ['initial_delay'] },
  max_backoff_ms: { read: usually(1_000, HOUR_MS, 0, LIMITS.retryDelayMsMax), legacy: ['max_delay'] },
  jitter: { read: jitter },
  non_retryable_errors: { read: nonRetryableErrors },
})

export type RetryFields = NonNullable<ReturnType<typeof retryFields>>

/** What the fields say, and nothing of what they do not. */
export const retryPart = (fields: RetryFields): Partial<RetryPolicy> => ({
  ...(fields.retryable === undefined ? {} : { retryable: fields.retryable }),
  ...(fields.max_attempts === undefined ? {} : { maxAttempts: fields.max_attempts }),
  ...(fields.backoff === undefined ? {} : { backoff: fields.backoff }),
  ...(fields.backoff_base_ms === undefined ? {} : { baseMs: durationMs(fields.backoff_base_ms) }),
  ...(fields.max_backoff_ms === undefined ? {} : { maxDelayMs: durationMs(fields.max_backoff_ms) }),
  ...(fields.jitter === undefined ? {} : { jitter: fields.jitter }),
  ...(fields.non_retryable_errors === undefined ? {} : { nonRetryableErrors: fields.non_retryable_errors }),
})

/** What a step did not say is as in the default policy. */
export const retryPolicy = (fields: RetryFields | undefined): RetryPolicy =>
  fields === undefined ? DEFAULT_RETRY_POLICY : { ...DEFAULT_RETRY_POLICY, ...retryPart(fields) }
