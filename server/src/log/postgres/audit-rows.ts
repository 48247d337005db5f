/** The log as audits read it in PostgreSQL: by key, page by page, hashes without the content they are over. */
import type { Partition } from '@tasker/core'
import { partitionNumber } from '@tasker/core'
import type { Pool } from '../../database.js'
import { type AuditReads, type LinkedCommit, PARTITION_SEALED, type PlacedHash, type StoredCommit } from '../port.js'
import { COMMIT_COLUMNS, type CommitRow, commitOf, controlRange, type PageBounds, readPages } from './commit-rows.js'

/** Places of a page of hashes alone. */
const HASHES_PAGE_MAX = 5_000

export const postgresAuditReads = (pool: Pool, partitionCount: number, logId: string, page: PageBounds): AuditReads => ({
  partitionCount,
  logId,
  tip: (partition) => readTipSeq(pool, partition),
  hashes: (partition, afterSeq) => readHashes(pool, partition, afterSeq),
  linked: (partition, afterSeq) => readLinked(pool, partition, afterSeq, page),
  control: (partition, afterSeq) => readPages(pool, controlRange(partition, afterSeq), page),
  lastSeal: (partition, belowSeq) => readLastSeal(pool, partition, belowSeq),
})

const readTipSeq = async (pool: Pool, partition: Partition): Promise<number> => {
  const { rows } = await pool.query<{ readonly seq: string }>(
    'select coalesce(max(seq), 0) as seq from event_commit where partition = $1',
    [partition],
  )
  return Number(rows[0]?.seq ?? 0)
}

interface HashRow {
  readonly seq: string
  readonly hash: Buffer
  readonly is_seal: boolean
}

async function* readHashes(pool: Pool, partition: Partition, afterSeq: number): AsyncGenerator<readonly PlacedHash[]> {
  let after = afterSeq
  for (;;) {
    const { rows } = await pool.query<HashRow>(
      `select seq, hash, stream_kind = 'partition' and types = array['${PARTITION_SEALED}'] as is_seal
       from event_commit where partition = $1 and seq > $2 order by seq limit ${HASHES_PAGE_MAX}`,
      [partition, after],
    )
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map(({ seq, hash, is_seal }) => ({ seq: Number(seq), hash, isSeal: is_seal }))
    if (rows.length < HASHES_PAGE_MAX) return
    after = Number(last.seq)
  }
}

interface LinkedRow extends CommitRow {
  readonly type_count: number
  readonly previous_partition: number | null
  readonly previous_seq: string | null
  readonly previous_next: string | null
  readonly previous_hash: Buffer | null
}

/** The page is bounded in commits and in bytes; a single larger commit is a page of its own. */
const LINKED = `
select c.*, p.partition as previous_partition, p.seq as previous_seq, p.next_version as previous_next, p.hash as previous_hash
from (
  select ${COMMIT_COLUMNS}, type_count
  from (
    select *, cardinality(types) as type_count, row_number() over w as place, sum(octet_length(events)) over w as bytes
    from (select * from event_commit where partition = $1 and seq > $2 order by seq limit $3) as first
    window w as (order by seq)
  ) as bounded
  where place = 1 or bytes <= $4
) as c
left join lateral (
  select e.partition, e.seq, e.first_version + cardinality(e.types) as next_version, e.hash
  from event_commit e
  where e.stream_kind = c.stream_kind and e.stream_id = c.stream_id and e.first_version < c.first_version
  order by e.first_version desc limit 1
) as p on true
order by c.seq`

async function* readLinked(
  pool: Pool,
  partition: Partition,
  afterSeq: number,
  { commits, bytes }: PageBounds,
): AsyncGenerator<readonly LinkedCommit[]> {
  let after = afterSeq
  for (;;) {
    const { rows } = await pool.query<LinkedRow>(LINKED, [partition, after, commits, bytes])
    const page = rows.map(linkedCommit)
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    after = last.seq
  }
}

const linkedCommit = (row: LinkedRow): LinkedCommit => {
  const commit = commitOf(row)
  return {
    seq: commit.seq,
    hash: commit.hash,
    commit,
    typeCount: row.type_count,
    previous:
      row.previous_hash === null
        ? undefined
        : {
            partition: partitionNumber(Number(row.previous_partition)),
            seq: Number(row.previous_seq),
            nextVersion: Number(row.previous_next),
            hash: row.previous_hash,
          },
  }
}

const readLastSeal = async (pool: Pool, partition: Partition, belowSeq?: number): Promise<StoredCommit | undefined> => {
  const { rows } = await pool.query<CommitRow>(
    `select ${COMMIT_COLUMNS} from event_commit
     where partition = $1 and stream_kind = 'partition' and types = array['${PARTITION_SEALED}'] and ($2::int8 is null or seq < $2)
     order by seq desc limit 1`,
    [partition, belowSeq ?? null],
  )
  const [row] = rows
  return row === undefined ? undefined : commitOf(row)
}
