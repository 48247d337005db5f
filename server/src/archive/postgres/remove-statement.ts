/** The statement that takes archived commits out of the log: their places and hashes stay, and what they had counted for. */
import type { ActivityRow } from '@tasker/core'
import { int8Array, textArray } from '../../database/binary-array.js'

/** Empty in the row of the tasks themselves, as in `activity`. */
const NO_STEP = ''

export const REMOVE = `
with removed as (
  delete from event_commit e using unnest($1::int2[], $2::int8[]) as p(partition, seq)
  where e.partition = p.partition and e.seq = p.seq
  returning e.partition, e.seq, e.hash
), kept as (
  insert into archived_commit (partition, seq, hash) select partition, seq, hash from removed
), totalled as (
  update archived_total set commits = commits + (select count(*) from removed)
), counted as (
  insert into archived_activity as a (hour_ms, namespace, name, version, step, submitted, completed, failed, cancelled, retried, steps,
    duration_ms_sum, duration_ms_max, last_ended_at_ms)
  select r.* from unnest($3::int8[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[], $9::int8[], $10::int8[], $11::int8[],
    $12::int8[], $13::int8[], $14::int8[], $15::int8[], $16::int8[]) as r(h, n, na, v, s, su, co, fa, ca, re, st, ds, dm, la)
  on conflict (hour_ms, namespace, name, version, step) do update set
    submitted = a.submitted + excluded.submitted, completed = a.completed + excluded.completed,
    failed = a.failed + excluded.failed, cancelled = a.cancelled + excluded.cancelled,
    retried = a.retried + excluded.retried, steps = a.steps + excluded.steps,
    duration_ms_sum = a.duration_ms_sum + excluded.duration_ms_sum,
    duration_ms_max = greatest(a.duration_ms_max, excluded.duration_ms_max),
    last_ended_at_ms = greatest(a.last_ended_at_ms, excluded.last_ended_at_ms)
)
select count(*)::int as removed from removed`

/** From parameter 3 on. */
export const activityValues = (rows: readonly ActivityRow[]): readonly Buffer[] => [
  int8Array(rows.map((row) => row.hour)),
  textArray(rows.map((row) => row.namespace)),
  textArray(rows.map((row) => row.name)),
  textArray(rows.map((row) => row.version)),
  textArray(rows.map((row) => row.step ?? NO_STEP)),
  int8Array(rows.map((row) => row.submitted)),
  int8Array(rows.map((row) => row.completed)),
  int8Array(rows.map((row) => row.failed)),
  int8Array(rows.map((row) => row.cancelled)),
  int8Array(rows.map((row) => row.retried)),
  int8Array(rows.map((row) => row.steps)),
  int8Array(rows.map((row) => row.durationMsSum)),
  int8Array(rows.map((row) => row.durationMsMax)),
  int8Array(rows.map((row) => row.lastEndedAt)),
]
