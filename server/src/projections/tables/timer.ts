/** Rows of `timer`: inserted after the deletions of the same statement, because their source asks how many those were. */
import { int4Array, int8Array } from '../../database/binary-array.js'
import { type TableWrite, texts } from './table-write.js'

/** The step of a timer that belongs to its task as a whole. */
export const NO_STEP = ''

export const TIMER: TableWrite = {
  types: ['text[]', 'text[]', 'text[]', 'int4[]', 'int8[]', 'text[]'],
  sql: (parameters) => `added_timers as (
  insert into timer (task_id, kind, step, attempt, due_at_ms, worker)
  select r.* from unnest(${parameters.join(', ')}) as r(t, k, s, a, d, w), agreed
  where (select count(*) from cleared_timers) >= 0
  on conflict (task_id, kind, step) do update set attempt = excluded.attempt, due_at_ms = excluded.due_at_ms, worker = excluded.worker
)`,
  values: ({ timers }) => [
    texts(timers, (row) => row.taskId),
    texts(timers, (row) => row.kind),
    texts(timers, (row) => row.step ?? NO_STEP),
    int4Array(timers.map((row) => row.attempt)),
    int8Array(timers.map((row) => row.dueAt)),
    texts(timers, (row) => row.worker),
  ],
}
