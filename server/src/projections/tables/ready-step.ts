/** Rows of `ready_step`: inserted after the deletions of the same statement, because their source asks how many those were. */
import { int4Array, int8Array, nullableInt8Array } from '../../database/binary-array.js'
import { type TableWrite, texts } from './table-write.js'

export const READY_STEP: TableWrite = {
  types: ['text[]', 'text[]', 'int4[]', 'text[]', 'text[]', 'int4[]', 'int8[]', 'text[]', 'text[]', 'int8[]', 'int8[]', 'int8[]'],
  sql: (parameters) => `added_ready as (
  insert into ready_step (task_id, step, attempt, namespace, handler, priority, ready_at_ms, queue, fairness_key, rank_ms,
    gate_limit, gate_per_ms)
  select r.* from unnest(${parameters.join(', ')}) as r(t, s, a, n, h, p, at, q, f, ra, gl, gp), agreed
  where (select count(*) from cleared_ready) >= 0
  on conflict (task_id, step) do update set attempt = excluded.attempt, namespace = excluded.namespace, handler = excluded.handler,
    priority = excluded.priority, ready_at_ms = excluded.ready_at_ms, queue = excluded.queue,
    fairness_key = excluded.fairness_key, rank_ms = excluded.rank_ms, gate_limit = excluded.gate_limit,
    gate_per_ms = excluded.gate_per_ms
)`,
  values: ({ ready }) => [
    texts(ready, (row) => row.taskId),
    texts(ready, (row) => row.step),
    int4Array(ready.map((row) => row.attempt)),
    texts(ready, (row) => row.namespace),
    texts(ready, (row) => row.handler),
    int4Array(ready.map((row) => row.priority)),
    int8Array(ready.map((row) => row.readyAt)),
    texts(ready, (row) => row.queue),
    texts(ready, (row) => row.fairnessKey),
    int8Array(ready.map((row) => row.rank)),
    nullableInt8Array(ready.map((row) => row.gate?.limit)),
    nullableInt8Array(ready.map((row) => row.gate?.perMs)),
  ],
}
