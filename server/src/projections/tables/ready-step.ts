/** Rows of `ready_step`: the steps of a task that wait for a worker or a key. */
import type { ReadyRow } from '@tasker/core'
import type { ProjectedTable } from './projected-table.js'

export const READY_STEP: ProjectedTable<ReadyRow> = {
  name: 'ready_step',
  key: ['task_id', 'step'],
  columns: [
    { name: 'task_id', type: 'text', of: (row) => row.taskId },
    { name: 'step', type: 'text', of: (row) => row.step },
    { name: 'attempt', type: 'int4', of: (row) => row.attempt },
    { name: 'namespace', type: 'text', of: (row) => row.namespace },
    { name: 'handler', type: 'text', of: (row) => row.handler },
    { name: 'priority', type: 'int4', of: (row) => row.priority },
    { name: 'ready_at_ms', type: 'int8', of: (row) => row.readyAt },
    { name: 'queue', type: 'text', of: (row) => row.queue },
    { name: 'fairness_key', type: 'text', of: (row) => row.fairnessKey },
    { name: 'rank_ms', type: 'int8', of: (row) => row.rank },
    { name: 'gate_limit', type: 'int8 or null', of: (row) => row.gate?.limit },
    { name: 'gate_per_ms', type: 'int8 or null', of: (row) => row.gate?.perMs },
  ],
}
