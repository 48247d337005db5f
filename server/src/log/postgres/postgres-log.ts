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
import { readAcquired } from '../partition-codec.js'
import type { AppendResult, EventLog, SequencedCommit, StoredCommit, StreamKind } from '../port.js'
import { appendStatement } from './append-statement.js'
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

/** Opens the log of a migrated database. Throws a `Fault` when it cannot be reached or has another number of partitions. */
export const openPostgresLog = async (options: PostgresLogOptions): Promise<EventLog> => {
  const { url, partitionCount } = options
  const pool = openPool({ url, applicationName: 'tasker log', connectionsMax: options.readConnections ?? READ_CONNECTIONS })
  try {
    await claimPartitionCount(pool, partitionCount)
  } catch (error) {
    await pool.end()
    throw error
  }
  const appenders = Array.from(
    { length: options.appendConnections ?? 1 },
    () => new SteadyConnection({ url, applicationName: 'tasker append' }),
  )
  return logOn(pool, appenders, partitionCount, options.page ?? PAGE)
}

const logOn = (pool: Pool, appenders: readonly SteadyConnection[], partitionCount: number, page: PageBounds): EventLog => {
  let turn = 0
  const append = async (rows: readonly SequencedCommit[]): Promise<AppendResult> => {
    const appender = appenders[turn++ % appenders.length]
    invariant(appender !== undefined, 'a log has a connection to append with')
    return appendRows(appender, rows)
  }
  const tip = (partition: Partition) => orUnavailable(() => readTip(pool, partition))
  return {
    partitionCount,
    append,
    readStream: (stream, fromVersion) => pagesOf(pool, streamRange(stream.kind, stream.id, fromVersion), page),
    readKind: (kind) => pagesOf(pool, kindRange(kind), page),
    readPartition: (partition, afterSeq) => pagesOf(pool, partitionRange(partition, afterSeq), page),
    readDomainEvents: (partition, afterSeq) => pagesOf(pool, domainEventRange(partition, afterSeq), page),
    head: async (partition) => {
      const { seq, control } = await tip(partition)
      return { seq, epoch: control === undefined ? 0 : readAcquired(control).epoch }
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

/** A record, so that a kind cannot be forgotten. */
const KINDS: Readonly<Record<StreamKind, true>> = { task: true, template: true, key: true, partition: true }

const isKind = (kind: string | undefined): kind is StreamKind => kind !== undefined && Object.hasOwn(KINDS, kind)

async function* pagesOf(pool: Pool, range: KeyRange, page: PageBounds): AsyncGenerator<readonly StoredCommit[]> {
  const pages = readPages(pool, range, page)
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

/** The partition of a task follows from its id and the count, so the count is for ever. */
const claimPartitionCount = async (pool: Pool, wanted: number): Promise<void> => {
  const stored = await orUnavailable(async () => {
    await pool.query('insert into event_log (partition_count) values ($1) on conflict do nothing', [wanted])
    return (await pool.query<{ partition_count: number }>('select partition_count from event_log')).rows[0]?.partition_count
  })
  if (stored === wanted) return
  throw new Fault({
    code: 'INVALID_STATE',
    reason: 'PARTITION_COUNT_MISMATCH',
    message: `The database has ${stored} partitions, the configuration says ${wanted}; the number cannot change.`,
    hint: `Set the number of partitions to ${stored}.`,
    retryable: false,
  })
}
