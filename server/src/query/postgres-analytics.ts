/** Analytics on PostgreSQL. */
import { instant } from '@tasker/core'
import { z } from 'zod'
import { activityRowOf } from '../projections/stored-activity.js'
import type { Analytics } from './analytics.js'
import { type RowReader, rowsOf } from './read-rows.js'
import { TASK_STATUSES } from './rows.js'

/** The little of a connection pool that tells how busy it is. */
export interface PoolGauge {
  readonly totalCount: number
  readonly idleCount: number
  readonly options: { readonly max: number }
}

const SUMS = `select namespace, name, version, step, sum(submitted) as submitted, sum(completed) as completed, sum(failed) as failed,
  sum(cancelled) as cancelled, sum(retried) as retried, sum(steps) as steps, sum(duration_ms_sum) as duration_ms_sum,
  max(duration_ms_max) as duration_ms_max, max(last_ended_at_ms) as last_ended_at_ms
  from activity where hour_ms > $1::bigint - 3600000 group by namespace, name, version, step`
const ACTIVE = `select coalesce(sum(submitted - completed - failed - cancelled), 0) as active from activity where step = ''`
const STATUSES = 'select status, count(*) as tasks from task where created_at_ms >= $1::bigint group by status'

export const postgresAnalytics = (reader: RowReader & PoolGauge): Analytics => ({
  activitySince: async (since) => {
    const rows = SUM_ROWS.parse(await rowsOf(reader, { text: SUMS, values: [since] }))
    return rows.map((row) => activityRowOf(instant(since), row))
  },
  activeTasks: async () => ACTIVE_ROWS.parse(await rowsOf(reader, { text: ACTIVE, values: [] }))[0].active,
  statusesSince: async (since) =>
    new Map(STATUS_ROWS.parse(await rowsOf(reader, { text: STATUSES, values: [since] })).map((row) => [row.status, row.tasks])),
  poolUse: () => (reader.totalCount - reader.idleCount) / reader.options.max,
})

const count = z.coerce.number().int()

const SUM_ROWS = z.array(
  z.object({
    namespace: z.string(),
    name: z.string(),
    version: z.string(),
    step: z.string(),
    submitted: count,
    completed: count,
    failed: count,
    cancelled: count,
    retried: count,
    steps: count,
    duration_ms_sum: count,
    duration_ms_max: count,
    last_ended_at_ms: count,
  }),
)
const ACTIVE_ROWS = z.tuple([z.object({ active: count })])
const STATUS_ROWS = z.array(z.object({ status: z.enum(TASK_STATUSES), tasks: count }))
