/** Rows of `timer`: the wake-ups a task waits for. */
import type { TimerRow } from '@tasker/core'
import type { ProjectedTable } from './projected-table.js'

/** The step of a timer that belongs to its task as a whole. */
export const NO_STEP = ''

export const TIMER: ProjectedTable<TimerRow> = {
  name: 'timer',
  key: ['task_id', 'kind', 'step'],
  columns: [
    { name: 'task_id', type: 'text', of: (row) => row.taskId },
    { name: 'kind', type: 'text', of: (row) => row.kind },
    { name: 'step', type: 'text', of: (row) => row.step ?? NO_STEP },
    { name: 'attempt', type: 'int4', of: (row) => row.attempt },
    { name: 'due_at_ms', type: 'int8', of: (row) => row.dueAt },
    { name: 'worker', type: 'text', of: (row) => row.worker },
  ],
}
