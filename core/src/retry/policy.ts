/** When a failed step is tried again: how often, after what delay, and for which failures not at all. */
import { durationMs, type DurationMs } from '../kernel/instant.js'

export type Backoff = 'none' | 'linear' | 'exponential' | 'fibonacci'

export interface RetryPolicy {
  readonly retryable: boolean
  /** Attempts in all, the first included; 0 behaves as 1. */
  readonly maxAttempts: number
  readonly backoff: Backoff
  readonly baseMs: DurationMs
  readonly maxDelayMs: DurationMs
  /** Spread of the delay: 0.15 draws between 85 % and 115 %. */
  readonly jitter: number
  /** Failure types and codes that are permanent whatever the handler says. */
  readonly nonRetryableErrors: readonly string[]
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  retryable: true,
  maxAttempts: 3,
  backoff: 'exponential',
  baseMs: durationMs(1_000),
  maxDelayMs: durationMs(30_000),
  jitter: 0.15,
  nonRetryableErrors: [],
}
