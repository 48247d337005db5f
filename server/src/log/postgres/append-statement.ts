/** The statement of the hot path: all rows of a batch in one INSERT, a column a parameter, in PostgreSQL's binary form. */
import type pg from 'pg'
import { byteaArray, int2Array, int8Array, textArray } from '../../database/binary-array.js'
import type { SequencedCommit } from '../port.js'

/** Never ON CONFLICT: a row that is there already means that somebody else owns the place. */
const TEXT = `insert into event_commit
  (partition, seq, stream_kind, stream_id, first_version, namespace, at_ms, actor, worker, cause, types, events, hash)
select p, s, k, i, v, n, m, a, w, c, string_to_array(t, ','), e, h
from unnest($1::int2[], $2::int8[], $3::text[], $4::text[], $5::int8[], $6::text[], $7::int8[], $8::text[], $9::text[], $10::text[],
  $11::text[], $12::text[], $13::bytea[]) as r(p, s, k, i, v, n, m, a, w, c, t, e, h)`

/** Prepared once a connection. */
export const appendStatement = (rows: readonly SequencedCommit[]): pg.QueryConfig => ({
  name: 'append_commits',
  text: TEXT,
  values: [
    int2Array(rows.map((row) => row.commit.partition)),
    int8Array(rows.map((row) => row.seq)),
    textArray(rows.map((row) => row.commit.stream.kind)),
    textArray(rows.map((row) => row.commit.stream.id)),
    int8Array(rows.map((row) => row.commit.firstVersion)),
    textArray(rows.map((row) => row.commit.namespace)),
    int8Array(rows.map((row) => row.commit.at)),
    textArray(rows.map((row) => row.commit.actor)),
    textArray(rows.map((row) => row.commit.worker)),
    textArray(rows.map((row) => row.commit.cause)),
    textArray(rows.map((row) => row.commit.types.join(','))),
    textArray(rows.map((row) => row.commit.text)),
    byteaArray(rows.map((row) => row.commit.hash)),
  ],
})
