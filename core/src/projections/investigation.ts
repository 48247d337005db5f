/** Which dead letter a person should look at first: by what it was opened for, and more urgent with each minute it waits. */
import type { Instant } from '../kernel/instant.js'
import type { DeadLetterReason } from '../task/letters/dead-letter.js'

const MINUTE_MS = 60_000

export const INVESTIGATION_BASE: { readonly [Reason in DeadLetterReason]: number } = {
  dependency_cycle_detected: 1_000,
  max_retries_exceeded: 500,
  permanent_failure: 500,
  staleness_timeout: 100,
  worker_unavailable: 50,
  manual_dlq: 10,
}

/** The base of its reason, and one for each minute. */
export const investigationPriority = (reason: DeadLetterReason, openedAt: Instant, now: Instant): number =>
  INVESTIGATION_BASE[reason] + Math.max(0, now - openedAt) / MINUTE_MS
