/** Rows of `key`: the newest state of each key that changed. */
import type { KeyRow } from '@tasker/core'
import { int4Array, int8Array } from '../../database/binary-array.js'
import { keyStateText } from '../key-state-text.js'
import { type TableWrite, texts } from './table-write.js'

export const KEY: TableWrite = {
  types: ['text[]', 'text[]', 'int8[]', 'int4[]', 'text[]'],
  sql: (parameters) => `keyed as (
  insert into key (namespace, queue, stream_version, places, state)
  select r.* from unnest(${parameters.join(', ')}) as r(n, q, v, p, s), agreed
  on conflict (namespace, queue) do update set stream_version = excluded.stream_version, places = excluded.places,
    state = excluded.state
)`,
  values: ({ keys }) => [
    texts(keys, (row) => row.namespace),
    texts(keys, (row) => row.queue),
    int8Array(keys.map((row) => row.streamVersion)),
    int4Array(keys.map((row: KeyRow) => row.state.places.size)),
    texts(keys, (row) => keyStateText(row.state)),
  ],
}
