/** Rows of `task_snapshot`: the latest of each task. */
import { byteaArray, int8Array, textArray } from '../../database/binary-array.js'
import type { TableWrite } from './table-write.js'

export const SNAPSHOT: TableWrite = {
  types: ['text[]', 'int8[]', 'text[]', 'bytea[]', 'text[]'],
  sql: (parameters) => `snapshots as (
  insert into task_snapshot (task_id, version, schema, commit_hash, state)
  select r.* from unnest(${parameters.join(', ')}) as r(t, v, s, h, st), agreed
  on conflict (task_id) do update set version = excluded.version, schema = excluded.schema, commit_hash = excluded.commit_hash,
    state = excluded.state
)`,
  values: ({ snapshots }) => [
    textArray(snapshots.map((row) => row.taskId)),
    int8Array(snapshots.map((row) => row.version)),
    textArray(snapshots.map((row) => row.schema)),
    byteaArray(snapshots.map((row) => row.hash)),
    textArray(snapshots.map((row) => row.state)),
  ],
}
