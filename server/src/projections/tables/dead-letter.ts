/** Rows of `dead_letter`: the entries a task remembers; those it no longer does go. */
import type { DeadLetterRow } from '@tasker/core'
import { int4Array, textArray } from '../../database/binary-array.js'
import type { ProjectedTable } from './projected-table.js'
import type { TableWrite } from './table-write.js'

export const DEAD_LETTER: ProjectedTable<DeadLetterRow> = {
  name: 'dead_letter',
  key: ['task_id', 'entry'],
  columns: [
    { name: 'task_id', type: 'text', of: (row) => row.taskId },
    { name: 'entry', type: 'int4', of: (row) => row.entry },
    { name: 'namespace', type: 'text', of: (row) => row.namespace },
    { name: 'name', type: 'text', of: (row) => row.name },
    { name: 'version', type: 'text', of: (row) => row.version },
    { name: 'reason', type: 'text', of: (row) => row.reason },
    { name: 'status', type: 'text', of: (row) => row.status },
    { name: 'original_state', type: 'text', of: (row) => row.originalState },
    { name: 'step', type: 'text', of: (row) => row.step },
    { name: 'opened_at_ms', type: 'int8', of: (row) => row.openedAt },
    { name: 'resolved_at_ms', type: 'int8 or null', of: (row) => row.resolvedAt },
    { name: 'resolved_by', type: 'text', of: (row) => row.resolvedBy },
    { name: 'notes', type: 'text', of: (row) => row.notes },
    { name: 'metadata', type: 'text', of: (row) => row.metadata },
    { name: 'snapshot', type: 'text', of: (row) => row.snapshot },
  ],
}

/** Entries that a task of the batch no longer remembers. */
export const FORGOTTEN: TableWrite = {
  types: ['text[]', 'int4[]'],
  sql: (parameters) => `forgotten_letters as (
  delete from dead_letter d using unnest(${parameters.join(', ')}) as f(t, first), agreed
  where d.task_id = f.t and d.entry < f.first
)`,
  values: ({ deadLetters }) => {
    const firstKept = new Map<string, number>()
    for (const { taskId, entry } of deadLetters) firstKept.set(taskId, Math.min(entry, firstKept.get(taskId) ?? entry))
    return [textArray([...firstKept.keys()]), int4Array([...firstKept.values()])]
  },
}
