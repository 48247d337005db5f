/**
 * The event log in PostgreSQL: appends on connections of their own, reads from a pool.
 *
 * The primary key `(partition, seq)` is the fence: a writer that is no longer the owner collides, because the new owner's control commit
 * took the place it would have written to.
 */
import { invariant, type Partition, partitionNumber, unreachable } from '@tasker/core'
import { openPool, type Pool } from '../../database.js'
import { SteadyConnection } from '../../database/steady-connection.js'
import { databaseTrouble, type BrokenKey, type DatabaseTrouble } from '../../database/trouble.js'
import { Fault } from '../../faults.js'
import { acquirePartition } from '../acquire.js'
import { illFormedPart } from '../content.js'
import { epochOf } from '../partition-codec.js'
import type { AuditReads, AppendResult, EventLog, SequencedCommit, StoredCommit, StreamKind } from '../port.js'
import { appendStatement } from './append-statement.js'
import { postgresAuditReads } from './audit-rows.js'
import {
  domainEventRange,
  type KeyRange,
  kindRange,
  type PageBounds,
  partitionRange,
  readPages,
  readTip,
  streamRange,
} from './commit-rows.js'

export interface PostgresLogOptions {
  readonly url: string
  /** Of a database that is new; must be what it is for one that is not. */
  readonly partitionCount: number
  /** Connections that append; 1 by default. */
  readonly appendConnections?: number
  /** Connections that read; 4 by default. */
  readonly readConnections?: number
  readonly page?: PageBounds
}

const PAGE: PageBounds = { commits: 500, bytes: 8 * 1024 * 1024 }
const READ_CONNECTIONS = 4

/** A log that is only read, by somebody who brings nothing but the address of the database. */
export interface OpenAudit {
  readonly reads: AuditReads
  close(): Promise<void>
}

/** Throws a `Fault` when the database cannot be reached or holds no log. */
export const openPostgresAudit = async (url: string): Promise<OpenAudit> => {
  const pool = openPool({ url, applicationName: 'tasker audit', connectionsMax: READ_CONNECTIONS })
  try {
    const head = await orUnavailable(() => headOfLog(pool))
    if (head === undefined) throw noLog
    return { reads: auditOn(pool, head.partition_count, head.log_id, PAGE), close: () => pool.end() }
  } catch (error) {
    await pool.end()
    throw error
  }
}

const noLog = new Fault({
  code: 'INVALID_STATE',
  reason: 'NO_EVENT_LOG',
  message: 'The database holds no event log: no server has run on it.',
  hint: 'Is DATABASE_URL the database of the server?',
  retryable: false,
})

/** Opens the log of a migrated database. Throws a `Fault` when it cannot be reached or has another number of partitions. */
export const openPostgresLog = async (options: PostgresLogOptions): Promise<EventLog> => {
  const { url, partitionCount } = options
  const pool = openPool({ url, applicationName: 'tasker log', connectionsMax: options.readConnections ?? READ_CONNECTIONS })
  let logId: string
  try {
    logId = await claimPartitionCount(pool, partitionCount)
  } catch (error) {
    await pool.end()
    throw error
  }
  const appenders = Array.from(
    { length: options.appendConnections ?? 1 },
    () => new SteadyConnection({ url, applicationName: 'tasker append' }),
  )
  return logOn(pool, appenders, partitionCount, logId, options.page ?? PAGE)
}

const logOn = (
  pool: Pool,
  appenders: readonly SteadyConnection[],
  partitionCount: number,
  logId: string,
  page: PageBounds,
): EventLog => {
  let turn = 0
  const append = async (rows: readonly SequencedCommit[]): Promise<AppendResult> => {
    const appender = appenders[turn++ % appenders.length]
    invariant(appender !== undefined, 'a log has a connection to append with')
    return appendRows(appender, rows)
  }
  const tip = (partition: Partition) => orUnavailable(() => readTip(pool, partition))
  return {
    partitionCount,
    audit: auditOn(pool, partitionCount, logId, page),
    append,
    readStream: (stream, fromVersion) => pagesOf(pool, streamRange(stream.kind, stream.id, fromVersion), page),
    readKind: (kind) => pagesOf(pool, kindRange(kind), page),
    readPartition: (partition, afterSeq) => pagesOf(pool, partitionRange(partition, afterSeq), page),
    readDomainEvents: (partition, afterSeq) => pagesOf(pool, domainEventRange(partition, afterSeq), page),
    head: async (partition) => {
      const { seq, control } = await tip(partition)
      return { seq, epoch: control === undefined ? 0 : epochOf(control) }
    },
    acquire: (partition, node, at) => acquirePartition({ append, tip }, partition, node, at),
    close: async () => {
      await Promise.all(appenders.map((appender) => appender.close()))
      if (!pool.ended) await pool.end()
    },
  }
}

const appendRows = async (appender: SteadyConnection, rows: readonly SequencedCommit[]): Promise<AppendResult> => {
  if (rows.length === 0) return { type: 'appended' }
  for (const { commit } of rows) {
    const message = illFormedPart(commit)
    if (message !== undefined) return { type: 'refused', message }
  }
  const executed = await appender.execute(appendStatement(rows))
  if (executed.type === 'trouble') return answerTo(executed.trouble)
  invariant(executed.rowCount === rows.length, `${executed.rowCount} of ${rows.length} commits were written`)
  return { type: 'appended' }
}

const answerTo = (trouble: DatabaseTrouble): AppendResult => {
  switch (trouble.type) {
    case 'unique_violation':
      return { type: 'collided', on: collidedOn(trouble.key) }
    case 'content_refused':
      return { type: 'refused', message: trouble.message }
    case 'connection_lost':
      return { type: 'unknown', message: trouble.message }
    case 'unreachable':
    case 'rejected':
      return { type: 'unavailable', message: trouble.message }
    default:
      return unreachable(trouble)
  }
}

type Collision = Extract<AppendResult, { type: 'collided' }>['on']

const collidedOn = ({ constraint, values }: BrokenKey): Collision => {
  if (constraint === 'event_commit_place') return { type: 'place', partition: partitionNumber(Number.parseInt(values, 10)) }
  // An id may hold commas itself; the kind before it and the version behind it do not.
  const [, kind, id] = /^([^,]*), (.*), \d+$/s.exec(values) ?? []
  invariant(constraint === 'event_commit_stream' && isKind(kind) && id !== undefined, `a collision on ${constraint} (${values})`)
  return { type: 'stream', stream: { kind, id } }
}

const isKind = (kind: string | undefined): kind is StreamKind =>
  kind === 'task' || kind === 'template' || kind === 'key' || kind === 'partition'

const pagesOf = (pool: Pool, range: KeyRange, page: PageBounds): AsyncGenerator<readonly StoredCommit[]> =>
  available(readPages(pool, range, page))

/** The same reads, with faults for what `pg` throws. */
const auditOn = (pool: Pool, partitionCount: number, logId: string, page: PageBounds): AuditReads => {
  const reads = postgresAuditReads(pool, partitionCount, logId, page)
  return {
    ...reads,
    tip: (partition) => orUnavailable(() => reads.tip(partition)),
    hashes: (partition, afterSeq) => available(reads.hashes(partition, afterSeq)),
    linked: (partition, afterSeq) => available(reads.linked(partition, afterSeq)),
    control: (partition, afterSeq) => available(reads.control(partition, afterSeq)),
    lastSeal: (partition, belowSeq) => orUnavailable(() => reads.lastSeal(partition, belowSeq)),
  }
}

async function* available<Page>(from: AsyncIterable<Page>): AsyncGenerator<Page> {
  const pages = from[Symbol.asyncIterator]()
  for (;;) {
    const next = await orUnavailable(() => pages.next())
    if (next.done === true) return
    yield next.value
  }
}

const orUnavailable = async <Result>(read: () => Promise<Result>): Promise<Result> => {
  try {
    return await read()
  } catch (error) {
    throw unavailable(error)
  }
}

const unavailable = (cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      message: `The event log cannot be read: ${databaseTrouble(cause, 'executing').message}`,
      hint: 'Is PostgreSQL running, and is DATABASE_URL right?',
      retryable: true,
    },
    cause,
  )

interface LogHead {
  readonly partition_count: number
  readonly log_id: string
}

const headOfLog = async (pool: Pool): Promise<LogHead | undefined> =>
  (await pool.query<LogHead>('select partition_count, log_id from event_log')).rows[0]

/** Gives the log's id. The partition of a task follows from its id and the count, so the count is for ever. */
const claimPartitionCount = async (pool: Pool, wanted: number): Promise<string> => {
  const stored = await orUnavailable(async () => {
    await pool.query('insert into event_log (partition_count) values ($1) on conflict do nothing', [wanted])
    return headOfLog(pool)
  })
  if (stored?.partition_count === wanted) return stored.log_id
  throw new Fault({
    code: 'INVALID_STATE',
    reason: 'PARTITION_COUNT_MISMATCH',
    message: `The database has ${stored?.partition_count} partitions, the configuration says ${wanted}; the number cannot change.`,
    hint: `Set the number of partitions to ${stored?.partition_count}.`,
    retryable: false,
  })
}
