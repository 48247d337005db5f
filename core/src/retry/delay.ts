/** The delay between a failed attempt and the next: growth by the policy, cap, jitter, and what the failing side asked for. */
import { durationMs, type DurationMs } from '../kernel/instant.js'
import { LIMITS } from '../limits.js'
import { unreachable } from '../kernel/invariant.js'
import type { RetryPolicy } from './policy.js'

/** From here on every growing delay of at least a millisecond is above `LIMITS.retryDelayMsMax`. */
const GROWTH_STEPS_MAX = 64

/**
 * How long to wait after a failed attempt.
 *
 * @param attemptsSinceReset number of the attempt that just failed within the policy's budget, from 1
 * @param draw a number from [0, 1) that places the delay within the jitter
 * @param retryAfterMs replaces the drawn delay when it is longer; only `LIMITS.retryDelayMsMax` caps it
 */
export const delayBefore = (
  policy: RetryPolicy,
  attemptsSinceReset: number,
  draw: number,
  retryAfterMs?: DurationMs,
): DurationMs => {
  const capped = Math.min(policy.baseMs * growth(policy, attemptsSinceReset), policy.maxDelayMs, LIMITS.retryDelayMsMax)
  const drawn = Math.round(capped * (1 + policy.jitter * (2 * draw - 1)))
  const asked = Math.min(retryAfterMs ?? 0, LIMITS.retryDelayMsMax)
  return durationMs(Math.max(drawn, asked))
}

const growth = (policy: RetryPolicy, n: number): number => {
  switch (policy.backoff) {
    case 'none':
      return 0
    case 'linear':
      return n
    case 'exponential':
      return 2 ** Math.min(n - 1, GROWTH_STEPS_MAX)
    case 'fibonacci':
      return fibonacci(Math.min(n, GROWTH_STEPS_MAX))
    default:
      return unreachable(policy.backoff)
  }
}

/** 1, 1, 2, 3, 5 … */
const fibonacci = (n: number): number => {
  let previous = 0
  let current = 1
  for (let i = 1; i < n; i++) [previous, current] = [current, previous + current]
  return current
}
