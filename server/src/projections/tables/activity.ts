/** Rows of `activity`: what a batch adds to the counts of an hour. */
import { int8Array } from '../../database/binary-array.js'
import { type TableWrite, texts } from './table-write.js'
import { NO_STEP } from './timer.js'

export const ACTIVITY: TableWrite = {
  types: ['int8[]', 'text[]', 'text[]', 'text[]', 'text[]', ...new Array<'int8[]'>(9).fill('int8[]')],
  sql: (parameters) => `counted as (
  insert into activity (hour_ms, namespace, name, version, step, submitted, completed, failed, cancelled, retried, steps,
    duration_ms_sum, duration_ms_max, last_ended_at_ms)
  select r.* from unnest(${parameters.join(', ')}) as r(h, n, na, v, s, su, co, fa, ca, re, st, ds, dm, la), agreed
  on conflict (hour_ms, namespace, name, version, step) do update set
    submitted = activity.submitted + excluded.submitted, completed = activity.completed + excluded.completed,
    failed = activity.failed + excluded.failed, cancelled = activity.cancelled + excluded.cancelled,
    retried = activity.retried + excluded.retried, steps = activity.steps + excluded.steps,
    duration_ms_sum = activity.duration_ms_sum + excluded.duration_ms_sum,
    duration_ms_max = greatest(activity.duration_ms_max, excluded.duration_ms_max),
    last_ended_at_ms = greatest(activity.last_ended_at_ms, excluded.last_ended_at_ms)
)`,
  values: ({ activity }) => [
    int8Array(activity.map((row) => row.hour)),
    texts(activity, (row) => row.namespace),
    texts(activity, (row) => row.name),
    texts(activity, (row) => row.version),
    texts(activity, (row) => row.step ?? NO_STEP),
    int8Array(activity.map((row) => row.submitted)),
    int8Array(activity.map((row) => row.completed)),
    int8Array(activity.map((row) => row.failed)),
    int8Array(activity.map((row) => row.cancelled)),
    int8Array(activity.map((row) => row.retried)),
    int8Array(activity.map((row) => row.steps)),
    int8Array(activity.map((row) => row.durationMsSum)),
    int8Array(activity.map((row) => row.durationMsMax)),
    int8Array(activity.map((row) => row.lastEndedAt)),
  ],
}
