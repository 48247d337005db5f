/** Tasks that are archived: their rows go, and their identity where no other task has it by now. */
import { textArray } from '../../database/binary-array.js'
import type { TableWrite } from './table-write.js'

export const REMOVED: TableWrite = {
  types: ['text[]', 'text[]', 'text[]'],
  sql: ([tasks = '', scopes = '', holders = '']) => `removed_tasks as (
  delete from task t using agreed where t.task_id = any(${tasks})
), removed_letters as (
  delete from dead_letter d using agreed where d.task_id = any(${tasks})
), removed_snapshots as (
  delete from task_snapshot s using agreed where s.task_id = any(${tasks})
), removed_identities as (
  delete from identity i using unnest(${scopes}, ${holders}) as g(s, t), agreed where i.scope = g.s and i.task_id = g.t
)`,
  values: ({ removed }) => {
    const identified = removed.flatMap(({ taskId, identity }) => (identity === undefined ? [] : [{ taskId, identity }]))
    return [
      textArray(removed.map(({ taskId }) => taskId)),
      textArray(identified.map(({ identity }) => identity)),
      textArray(identified.map(({ taskId }) => taskId)),
    ]
  },
}
