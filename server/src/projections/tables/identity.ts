/** Rows of `identity`: which task an idempotency key stands for. */
import type { IdentityRow } from '../port.js'
import type { ProjectedTable } from './projected-table.js'

export const IDENTITY: ProjectedTable<IdentityRow> = {
  name: 'identity',
  key: ['scope'],
  columns: [
    { name: 'scope', type: 'text', of: (row) => row.scope },
    { name: 'task_id', type: 'text', of: (row) => row.taskId },
  ],
}
