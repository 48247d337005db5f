/** Rows of `schedule`: the newest state of each schedule that changed. */
import type { ScheduleRow } from '@tasker/core'
import { scheduleStateText } from '../schedule-state-text.js'
import type { ProjectedTable } from './projected-table.js'

export const SCHEDULE: ProjectedTable<ScheduleRow> = {
  name: 'schedule',
  key: ['namespace', 'name'],
  columns: [
    { name: 'namespace', type: 'text', of: (row) => row.namespace },
    { name: 'name', type: 'text', of: (row) => row.name },
    { name: 'stream_version', type: 'int8', of: (row) => row.streamVersion },
    { name: 'live', type: 'int4', of: (row) => (row.state.live === undefined ? 0 : 1) },
    { name: 'state', type: 'text', of: (row) => scheduleStateText(row.state) },
  ],
}
