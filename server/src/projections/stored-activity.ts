/** Sums of an hour as they are stored, read back. */
import { type ActivityRow, type Instant, instant, namespaceOf, stepId } from '@tasker/core'
import { NO_STEP } from './tables/timer.js'

type Counts = Pick<ActivityRow, 'name' | 'version' | 'submitted' | 'completed' | 'failed' | 'cancelled' | 'retried' | 'steps'>

/** A row of `activity`, or the sum of several, with its numbers as numbers. */
export interface StoredActivity extends Counts {
  readonly namespace: string
  readonly step: string
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
