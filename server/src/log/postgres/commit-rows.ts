/** Rows of `event_commit` read page by page, by key, and made commits. */
import { instant, partitionNumber } from '@tasker/core'
import type { Pool } from '../../database.js'
import { DOMAIN_EVENT, type StoredCommit, type StreamKind } from '../port.js'

/** What a page holds at most; a single larger commit is a page of its own. */
export interface PageBounds {
  readonly commits: number
  readonly bytes: number
}

export interface CommitRow {
  readonly partition: number
  readonly seq: string
  readonly stream_kind: StreamKind
  readonly stream_id: string
  readonly first_version: string
  readonly namespace: string
  readonly at_ms: string
  readonly actor: string
  readonly worker: string | null
  readonly cause: string
  readonly types: string
  readonly events: string
  readonly hash: Buffer
}

interface PagedRow extends CommitRow {
  /** Rows that the bound on their number let through, before the bound on bytes. */
  readonly found: number
}

export const COMMIT_COLUMNS = `partition, seq, stream_kind, stream_id, first_version, namespace, at_ms, actor, worker, cause,
  array_to_string(types, ',') as types, events, hash`

/** One page of a key range. `where` and `order` are ours; the length of a value is known without reading it. */
const pageText = (where: string, order: string, values: number): string => `
select ${COMMIT_COLUMNS}, found
from (
  select *, count(*) over ()::int as found, row_number() over w as place, sum(octet_length(events)) over w as bytes
  from (select * from event_commit where ${where} order by ${order} limit $${values + 1}) as first
  window w as (order by ${order})
) as bounded
where place = 1 or bytes <= $${values + 2}
order by ${order}`

export interface KeyRange {
  readonly where: string
  readonly order: string
  readonly values: readonly unknown[]
  /** The range that begins behind a commit. */
  readonly after: (commit: StoredCommit) => KeyRange
}

/** All commits of a range, oldest first. Throws what `pg` throws. */
export async function* readPages(pool: Pool, range: KeyRange, bounds: PageBounds): AsyncGenerator<readonly StoredCommit[]> {
  let rest = range
  for (;;) {
    const text = pageText(rest.where, rest.order, rest.values.length)
    const { rows } = await pool.query<PagedRow>(text, [...rest.values, bounds.commits, bounds.bytes])
    const commits = rows.map(commitOf)
    const last = commits.at(-1)
    if (last === undefined) return
    yield commits
    const found = rows[0]?.found ?? 0
    if (found < bounds.commits && commits.length === found) return
    rest = rest.after(last)
  }
}

export const partitionRange = (partition: number, afterSeq: number): KeyRange => ({
  where: 'partition = $1 and seq > $2',
  order: 'seq',
  values: [partition, afterSeq],
  after: (commit) => partitionRange(partition, commit.seq),
})

/** The partition's own stream, by its index. */
export const controlRange = (partition: number, afterSeq: number): KeyRange => ({
  where: `partition = $1 and seq > $2 and stream_kind = 'partition'`,
  order: 'seq',
  values: [partition, afterSeq],
  after: (commit) => controlRange(partition, commit.seq),
})

/** The condition is that of the index, word for word: the planner takes it for no other. */
export const domainEventRange = (partition: number, afterSeq: number): KeyRange => ({
  where: `partition = $1 and seq > $2 and types @> array['${DOMAIN_EVENT}']`,
  order: 'seq',
  values: [partition, afterSeq],
  after: (commit) => domainEventRange(partition, commit.seq),
})

/** From the commit that contains the version; the bound from below is for the index. */
export const streamRange = (kind: StreamKind, id: string, fromVersion: number): KeyRange => ({
  where: `stream_kind = $1 and stream_id = $2 and first_version + cardinality(types) > $3 and first_version >= coalesce((
    select max(first_version) from event_commit where stream_kind = $1 and stream_id = $2 and first_version <= $3), 1)`,
  order: 'first_version',
  values: [kind, id, fromVersion],
  after: (commit) => streamRangeAfter(kind, id, commit.firstVersion),
})

const streamRangeAfter = (kind: StreamKind, id: string, version: number): KeyRange => ({
  where: 'stream_kind = $1 and stream_id = $2 and first_version > $3',
  order: 'first_version',
  values: [kind, id, version],
  after: (commit) => streamRangeAfter(kind, id, commit.firstVersion),
})

export const kindRange = (kind: StreamKind, afterId = '', afterVersion = 0): KeyRange => ({
  where: 'stream_kind = $1 and (stream_id, first_version) > ($2, $3)',
  order: 'stream_id, first_version',
  values: [kind, afterId, afterVersion],
  after: (commit) => kindRange(kind, commit.stream.id, commit.firstVersion),
})

export const commitOf = (row: CommitRow): StoredCommit => ({
  seq: Number(row.seq),
  stream: { kind: row.stream_kind, id: row.stream_id },
  partition: partitionNumber(row.partition),
  firstVersion: Number(row.first_version),
  namespace: row.namespace,
  at: instant(Number(row.at_ms)),
  actor: row.actor,
  worker: row.worker ?? undefined,
  cause: row.cause,
  types: row.types.split(','),
  text: row.events,
  hash: row.hash,
})

/** The highest seq of a partition and its last control commit, in one snapshot. */
export const readTip = async (pool: Pool, partition: number): Promise<{ seq: number; control: StoredCommit | undefined }> => {
  const { rows } = await pool.query<CommitRow & { readonly tip: string; readonly control_seq: string | null }>(
    `select tip.seq as tip, control.seq as control_seq, control.*
     from (select coalesce(max(seq), 0) as seq from event_commit where partition = $1) as tip
     left join (
       select ${COMMIT_COLUMNS} from event_commit
       where stream_kind = 'partition' and stream_id = $1::int2::text order by first_version desc limit 1
     ) as control on true`,
    [partition],
  )
  const row = rows[0]
  if (row === undefined) return { seq: 0, control: undefined }
  return { seq: Number(row.tip), control: row.control_seq === null ? undefined : commitOf(row) }
}
