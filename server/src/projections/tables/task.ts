/** Rows of `task`: one a task, the newest state wins. */
import type { TaskRow } from '@tasker/core'
import type { ProjectedTable } from './projected-table.js'

export const TASK: ProjectedTable<TaskRow> = {
  name: 'task',
  key: ['task_id'],
  columns: [
    { name: 'task_id', type: 'text', of: (row) => row.taskId },
    { name: 'namespace', type: 'text', of: (row) => row.namespace },
    { name: 'name', type: 'text', of: (row) => row.name },
    { name: 'version', type: 'text', of: (row) => row.version },
    { name: 'status', type: 'text', of: (row) => row.status },
    { name: 'priority', type: 'int4', of: (row) => row.priority },
    { name: 'tags', type: 'text[]', of: (row) => row.tags },
    { name: 'initiator', type: 'text', of: (row) => row.initiator },
    { name: 'source_system', type: 'text', of: (row) => row.sourceSystem },
    { name: 'reason', type: 'text', of: (row) => row.reason },
    { name: 'correlation_id', type: 'text', of: (row) => row.correlationId },
    { name: 'created_at_ms', type: 'int8', of: (row) => row.createdAt },
    { name: 'updated_at_ms', type: 'int8', of: (row) => row.updatedAt },
    { name: 'ended_at_ms', type: 'int8 or null', of: (row) => row.endedAt },
    { name: 'stream_version', type: 'int8', of: (row) => row.streamVersion },
    { name: 'steps', type: 'text', of: (row) => row.steps },
  ],
}
