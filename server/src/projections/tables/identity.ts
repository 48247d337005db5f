/** Rows of `identity`: which task an idempotency key stands for. */
import { type TableWrite, texts } from './table-write.js'

export const IDENTITY: TableWrite = {
  types: ['text[]', 'text[]'],
  sql: (parameters) => `identified as (
  insert into identity (scope, task_id)
  select r.* from unnest(${parameters.join(', ')}) as r(s, t), agreed
  on conflict (scope) do update set task_id = excluded.task_id
)`,
  values: ({ identities }) => [texts(identities, (row) => row.scope), texts(identities, (row) => row.taskId)],
}
