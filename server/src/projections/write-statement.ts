/** The one statement that writes a batch of projected rows: all of it or, when a checkpoint has moved, none of it. */
import type { ReadyRow, TaskRow, TimerRow } from '@tasker/core'
import type pg from 'pg'
import { int2Array, int4Array, int8Array, nullableInt8Array, textArray } from '../database/binary-array.js'
import type { ProjectionBatch } from './port.js'

/**
 * `agreed` locks the checkpoints that are as the writer believes and counts them; everything else hangs on that count (P2). Rows are
 * inserted after the deletions of the same statement because their source asks how many those were.
 */
const TEXT = `
with move as (
  select * from unnest($1::int2[], $2::int8[], $3::int8[]) as m(partition, from_seq, to_seq)
), locked as (
  select c.partition from projection_checkpoint c join move m on c.partition = m.partition and c.seq = m.from_seq
  where c.projection = $4 and c.version = $5
  for update of c
), agreed as (
  select 1 as yes where (select count(*) from locked) = (select count(*) from move)
), moved as (
  update projection_checkpoint c set seq = m.to_seq from move m, agreed
  where c.projection = $4 and c.version = $5 and c.partition = m.partition
  returning 1
), upserted as (
  insert into task (task_id, namespace, name, version, status, priority, tags, initiator, source_system, reason, correlation_id,
    created_at_ms, updated_at_ms, ended_at_ms, stream_version, steps)
  select t, n, na, ve, st, pr, ta::text[], ini, so, re, co, cr, up, en, sv, sts
  from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::int4[], $12::text[], $13::text[], $14::text[],
    $15::text[], $16::text[], $17::int8[], $18::int8[], $19::int8[], $20::int8[], $21::text[])
    as r(t, n, na, ve, st, pr, ta, ini, so, re, co, cr, up, en, sv, sts), agreed
  on conflict (task_id) do update set
    namespace = excluded.namespace, name = excluded.name, version = excluded.version, status = excluded.status,
    priority = excluded.priority, tags = excluded.tags, initiator = excluded.initiator, source_system = excluded.source_system,
    reason = excluded.reason, correlation_id = excluded.correlation_id, created_at_ms = excluded.created_at_ms,
    updated_at_ms = excluded.updated_at_ms, ended_at_ms = excluded.ended_at_ms, stream_version = excluded.stream_version,
    steps = excluded.steps
), cleared_ready as (
  delete from ready_step r using agreed where r.task_id = any($22::text[]) returning 1
), cleared_timers as (
  delete from timer t using agreed where t.task_id = any($22::text[]) returning 1
), added_ready as (
  insert into ready_step (task_id, step, attempt, namespace, handler, priority, ready_at_ms)
  select r.* from unnest($23::text[], $24::text[], $25::int4[], $26::text[], $27::text[], $28::int4[], $29::int8[])
    as r(t, s, a, n, h, p, at), agreed
  where (select count(*) from cleared_ready) >= 0
  on conflict (task_id, step) do update set attempt = excluded.attempt, namespace = excluded.namespace, handler = excluded.handler,
    priority = excluded.priority, ready_at_ms = excluded.ready_at_ms
), added_timers as (
  insert into timer (task_id, kind, step, attempt, due_at_ms, worker)
  select r.* from unnest($30::text[], $31::text[], $32::text[], $33::int4[], $34::int8[], $35::text[]) as r(t, k, s, a, d, w), agreed
  where (select count(*) from cleared_timers) >= 0
  on conflict (task_id, kind, step) do update set attempt = excluded.attempt, due_at_ms = excluded.due_at_ms, worker = excluded.worker
), identified as (
  insert into identity (scope, task_id)
  select r.* from unnest($36::text[], $37::text[]) as r(s, t), agreed
  on conflict (scope) do update set task_id = excluded.task_id
)
select exists (select from agreed) as agreed`

/** The step of a timer that belongs to its task as a whole. */
export const NO_STEP = ''

/** Prepared once a connection; answers one row `{agreed}`. */
export const writeStatement = (batch: ProjectionBatch, projection: { name: string; version: number }): pg.QueryConfig => ({
  name: 'write_projection',
  text: TEXT,
  values: [
    int2Array(batch.checkpoints.map((move) => move.partition)),
    int8Array(batch.checkpoints.map((move) => move.from)),
    int8Array(batch.checkpoints.map((move) => move.to)),
    projection.name,
    projection.version,
    ...taskColumns(batch.tasks),
    textArray(batch.cleared),
    ...readyColumns(batch.ready),
    ...timerColumns(batch.timers),
    texts(batch.identities, (row) => row.scope),
    texts(batch.identities, (row) => row.taskId),
  ],
})

const taskColumns = (rows: readonly TaskRow[]): readonly Buffer[] => [
  texts(rows, (row) => row.taskId),
  texts(rows, (row) => row.namespace),
  texts(rows, (row) => row.name),
  texts(rows, (row) => row.version),
  texts(rows, (row) => row.status),
  int4Array(rows.map((row) => row.priority)),
  texts(rows, (row) => arrayLiteral(row.tags)),
  texts(rows, (row) => row.initiator),
  texts(rows, (row) => row.sourceSystem),
  texts(rows, (row) => row.reason),
  texts(rows, (row) => row.correlationId),
  int8Array(rows.map((row) => row.createdAt)),
  int8Array(rows.map((row) => row.updatedAt)),
  nullableInt8Array(rows.map((row) => row.endedAt)),
  int8Array(rows.map((row) => row.streamVersion)),
  texts(rows, (row) => row.steps),
]

const readyColumns = (rows: readonly ReadyRow[]): readonly Buffer[] => [
  texts(rows, (row) => row.taskId),
  texts(rows, (row) => row.step),
  int4Array(rows.map((row) => row.attempt)),
  texts(rows, (row) => row.namespace),
  texts(rows, (row) => row.handler),
  int4Array(rows.map((row) => row.priority)),
  int8Array(rows.map((row) => row.readyAt)),
]

const timerColumns = (rows: readonly TimerRow[]): readonly Buffer[] => [
  texts(rows, (row) => row.taskId),
  texts(rows, (row) => row.kind),
  texts(rows, (row) => row.step ?? NO_STEP),
  int4Array(rows.map((row) => row.attempt)),
  int8Array(rows.map((row) => row.dueAt)),
  texts(rows, (row) => row.worker),
]

/** PostgreSQL keeps no NUL; rows are for lists, so one is shown as what it is and never stops the others. */
const texts = <Row>(rows: readonly Row[], column: (row: Row) => string | undefined): Buffer =>
  textArray(
    rows.map((row) => {
      const text = column(row)
      return text?.includes('\0') === true ? text.replaceAll('\0', '\u2400') : text
    }),
  )

const arrayLiteral = (items: readonly string[]): string =>
  items.length === 0 ? '{}' : `{${items.map((item) => `"${item.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
