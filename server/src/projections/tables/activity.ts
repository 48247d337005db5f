/** Rows of `activity`: sums of an hour, to which each batch adds. */
import type { ActivityRow } from '@tasker/core'
import type { ProjectedTable } from './projected-table.js'
import { NO_STEP } from './timer.js'

export const ACTIVITY: ProjectedTable<ActivityRow> = {
  name: 'activity',
  key: ['hour_ms', 'namespace', 'name', 'version', 'step'],
  columns: [
    { name: 'hour_ms', type: 'int8', of: (row) => row.hour },
    { name: 'namespace', type: 'text', of: (row) => row.namespace },
    { name: 'name', type: 'text', of: (row) => row.name },
    { name: 'version', type: 'text', of: (row) => row.version },
    { name: 'step', type: 'text', of: (row) => row.step ?? NO_STEP },
    { name: 'submitted', type: 'int8', of: (row) => row.submitted, merge: 'sum' },
    { name: 'completed', type: 'int8', of: (row) => row.completed, merge: 'sum' },
    { name: 'failed', type: 'int8', of: (row) => row.failed, merge: 'sum' },
    { name: 'cancelled', type: 'int8', of: (row) => row.cancelled, merge: 'sum' },
    { name: 'retried', type: 'int8', of: (row) => row.retried, merge: 'sum' },
    { name: 'steps', type: 'int8', of: (row) => row.steps, merge: 'sum' },
    { name: 'duration_ms_sum', type: 'int8', of: (row) => row.durationMsSum, merge: 'sum' },
    { name: 'duration_ms_max', type: 'int8', of: (row) => row.durationMsMax, merge: 'greatest' },
    { name: 'last_ended_at_ms', type: 'int8', of: (row) => row.lastEndedAt, merge: 'greatest' },
  ],
}
