/** Rows of `task`: one a task, the newest state wins. */
import { int4Array, int8Array, nullableInt8Array } from '../../database/binary-array.js'
import { type TableWrite, texts } from './table-write.js'

export const TASK: TableWrite = {
  types: [
    'text[]',
    'text[]',
    'text[]',
    'text[]',
    'text[]',
    'int4[]',
    'text[]',
    'text[]',
    'text[]',
    'text[]',
    'text[]',
    'int8[]',
    'int8[]',
    'int8[]',
    'int8[]',
    'text[]',
  ],
  sql: (parameters) => `upserted as (
  insert into task (task_id, namespace, name, version, status, priority, tags, initiator, source_system, reason, correlation_id,
    created_at_ms, updated_at_ms, ended_at_ms, stream_version, steps)
  select t, n, na, ve, st, pr, ta::text[], ini, so, re, co, cr, up, en, sv, sts
  from unnest(${parameters.join(', ')})
    as r(t, n, na, ve, st, pr, ta, ini, so, re, co, cr, up, en, sv, sts), agreed
  on conflict (task_id) do update set
    namespace = excluded.namespace, name = excluded.name, version = excluded.version, status = excluded.status,
    priority = excluded.priority, tags = excluded.tags, initiator = excluded.initiator, source_system = excluded.source_system,
    reason = excluded.reason, correlation_id = excluded.correlation_id, created_at_ms = excluded.created_at_ms,
    updated_at_ms = excluded.updated_at_ms, ended_at_ms = excluded.ended_at_ms, stream_version = excluded.stream_version,
    steps = excluded.steps
)`,
  values: ({ tasks }) => [
    texts(tasks, (row) => row.taskId),
    texts(tasks, (row) => row.namespace),
    texts(tasks, (row) => row.name),
    texts(tasks, (row) => row.version),
    texts(tasks, (row) => row.status),
    int4Array(tasks.map((row) => row.priority)),
    texts(tasks, (row) => arrayLiteral(row.tags)),
    texts(tasks, (row) => row.initiator),
    texts(tasks, (row) => row.sourceSystem),
    texts(tasks, (row) => row.reason),
    texts(tasks, (row) => row.correlationId),
    int8Array(tasks.map((row) => row.createdAt)),
    int8Array(tasks.map((row) => row.updatedAt)),
    nullableInt8Array(tasks.map((row) => row.endedAt)),
    int8Array(tasks.map((row) => row.streamVersion)),
    texts(tasks, (row) => row.steps),
  ],
}

const arrayLiteral = (items: readonly string[]): string =>
  items.length === 0 ? '{}' : `{${items.map((item) => `"${item.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
