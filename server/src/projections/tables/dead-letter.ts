/** Rows of `dead_letter`: entries that a task no longer remembers go, the others are written over what is stored of them. */
import { int4Array, int8Array, nullableInt8Array, textArray } from '../../database/binary-array.js'
import { type TableWrite, texts } from './table-write.js'

const FORGOTTEN_TYPES = ['text[]', 'int4[]'] as const

export const DEAD_LETTER: TableWrite = {
  types: [
    ...FORGOTTEN_TYPES,
    'text[]',
    'int4[]',
    'text[]',
    'text[]',
    'text[]',
    'text[]',
    'text[]',
    'text[]',
    'text[]',
    'int8[]',
    'int8[]',
    'text[]',
    'text[]',
    'text[]',
    'text[]',
  ],
  sql: (parameters) => `forgotten_letters as (
  delete from dead_letter d using unnest(${parameters.slice(0, FORGOTTEN_TYPES.length).join(', ')}) as f(t, first), agreed
  where d.task_id = f.t and d.entry < f.first
), letters as (
  insert into dead_letter (task_id, entry, namespace, name, version, reason, status, original_state, step, opened_at_ms,
    resolved_at_ms, resolved_by, notes, metadata, snapshot)
  select r.* from unnest(${parameters.slice(FORGOTTEN_TYPES.length).join(', ')})
    as r(t, e, ns, na, ve, re, st, os, s, op, rs, rb, no, me, sn), agreed
  on conflict (task_id, entry) do update set status = excluded.status, resolved_at_ms = excluded.resolved_at_ms,
    resolved_by = excluded.resolved_by, notes = excluded.notes, metadata = excluded.metadata
)`,
  values: ({ deadLetters: rows }) => {
    const firstKept = new Map<string, number>()
    for (const { taskId, entry } of rows) firstKept.set(taskId, Math.min(entry, firstKept.get(taskId) ?? entry))
    return [
      textArray([...firstKept.keys()]),
      int4Array([...firstKept.values()]),
      texts(rows, (row) => row.taskId),
      int4Array(rows.map((row) => row.entry)),
      texts(rows, (row) => row.namespace),
      texts(rows, (row) => row.name),
      texts(rows, (row) => row.version),
      texts(rows, (row) => row.reason),
      texts(rows, (row) => row.status),
      texts(rows, (row) => row.originalState),
      texts(rows, (row) => row.step),
      int8Array(rows.map((row) => row.openedAt)),
      nullableInt8Array(rows.map((row) => row.resolvedAt)),
      texts(rows, (row) => row.resolvedBy),
      texts(rows, (row) => row.notes),
      texts(rows, (row) => row.metadata),
      texts(rows, (row) => row.snapshot),
    ]
  },
}
