/** Rows of `key`: the newest state of each key that changed. */
import type { KeyRow } from '@tasker/core'
import { keyStateText } from '../key-state-text.js'
import type { ProjectedTable } from './projected-table.js'

export const KEY: ProjectedTable<KeyRow> = {
  name: 'key',
  key: ['namespace', 'queue'],
  columns: [
    { name: 'namespace', type: 'text', of: (row) => row.namespace },
    { name: 'queue', type: 'text', of: (row) => row.queue },
    { name: 'stream_version', type: 'int8', of: (row) => row.streamVersion },
    { name: 'places', type: 'int4', of: (row) => row.state.places.size },
    { name: 'state', type: 'text', of: (row) => keyStateText(row.state) },
  ],
}
