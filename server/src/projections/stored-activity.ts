/** Sums of an hour as they are stored, read back. */
import { type ActivityRow, type Instant, instant, namespaceOf, stepId } from '@tasker/core'
import { NO_STEP } from './tables/timer.js'

/** A row of `activity`, or the sum of several, with its numbers as numbers. */
export interface StoredActivity {
  readonly namespace: string
  readonly name: string
  readonly version: string
  readonly step: string
  readonly submitted: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly retried: number
  readonly steps: number
  readonly duration_ms_sum: number
  readonly duration_ms_max: number
  readonly last_ended_at_ms: number
}

export const activityRowOf = (hour: Instant, row: StoredActivity): ActivityRow => ({
  hour,
  namespace: namespaceOf(row.namespace),
  name: row.name,
  version: row.version,
  step: row.step === NO_STEP ? undefined : stepId(row.step),
  submitted: row.submitted,
  completed: row.completed,
  failed: row.failed,
  cancelled: row.cancelled,
  retried: row.retried,
  steps: row.steps,
  durationMsSum: row.duration_ms_sum,
  durationMsMax: row.duration_ms_max,
  lastEndedAt: instant(row.last_ended_at_ms),
})
