/**
 * Brings a database to the schema this program knows, and tells how the two stand.
 *
 * M1  Each migration runs in a transaction of its own that also records it: it happened whole or not at all.
 * M2  Two programs that migrate at once wait for each other.
 * M3  A database that is newer than the program, or whose recorded migrations differ from ours, is left alone.
 */
import { Fault } from '../faults.js'
import { newConnection, type Connection } from '../database.js'
import { knownMigrations, type Migration } from './migrations.js'

export type SchemaStatus =
  | { readonly type: 'current'; readonly number: number }
  /** Some migrations are still to be applied; all of them for an empty database. */
  | { readonly type: 'behind'; readonly number: number; readonly pending: readonly Migration[] }
  /** A newer program was here. */
  | { readonly type: 'newer'; readonly number: number; readonly known: number }
  /** A migration that was applied is not the one we have under its number. */
  | { readonly type: 'altered'; readonly number: number; readonly name: string }

/** What `migrate` did, in order; empty when there was nothing to do. */
export interface AppliedMigration {
  readonly number: number
  readonly name: string
  readonly tookMs: number
}

/** Any number that no other program on the same database uses. */
const LOCK = 7_316_215_902

const RECORD_TABLE = `create table if not exists schema_migration (
  number     int         primary key,
  name       text        not null,
  checksum   text        not null,
  applied_at timestamptz not null default now()
)`

/** How the schema of a database stands to what this program knows. Changes nothing. Throws what `pg` throws. */
export const schemaStatus = async (url: string, known = knownMigrations()): Promise<SchemaStatus> =>
  withConnection(url, (connection) => statusOf(connection, known))

/** Applies what is pending. Throws a `Fault` (`SCHEMA_NEWER`, `SCHEMA_ALTERED`) when the database is not ours to change. */
export const migrate = async (url: string, known = knownMigrations()): Promise<readonly AppliedMigration[]> =>
  withConnection(url, async (connection) => {
    await connection.query('set statement_timeout = 0')
    await connection.query('select pg_advisory_lock($1)', [LOCK])
    const status = await statusOf(connection, known)
    if (status.type === 'current') return []
    if (status.type !== 'behind') throw schemaFault(status)
    await connection.query(RECORD_TABLE)
    const applied: AppliedMigration[] = []
    for (const migration of status.pending) applied.push(await apply(connection, migration))
    return applied
  })

/** Why the server does not start on such a schema. */
export const schemaFault = (status: Exclude<SchemaStatus, { type: 'current' }>): Fault => {
  switch (status.type) {
    case 'behind':
      return fault(
        'SCHEMA_BEHIND',
        `The database is at migration ${status.number}; ${status.pending.length} more are needed.`,
        'Run `tasker migrate`.',
      )
    case 'newer':
      return fault(
        'SCHEMA_NEWER',
        `The database is at migration ${status.number}; this program knows ${status.known}.`,
        'Run the newer program that migrated it.',
      )
    case 'altered':
      return fault(
        'SCHEMA_ALTERED',
        `Migration ${status.number} (${status.name}) of the database is not the one this program has.`,
        'Use the release that made this database, or another database.',
      )
  }
}

const fault = (reason: string, message: string, hint: string): Fault =>
  new Fault({ code: 'UNAVAILABLE', reason, message, hint, retryable: false })

const statusOf = async (connection: Connection, known: readonly Migration[]): Promise<SchemaStatus> => {
  const applied = await recorded(connection)
  const number = applied.at(-1)?.number ?? 0
  if (number > known.length) return { type: 'newer', number, known: known.length }
  const altered = applied.find((row) => known[row.number - 1]?.checksum !== row.checksum)
  if (altered !== undefined) return { type: 'altered', number: altered.number, name: altered.name }
  const pending = known.slice(applied.length)
  return pending.length === 0 ? { type: 'current', number } : { type: 'behind', number, pending }
}

interface RecordedMigration {
  readonly number: number
  readonly name: string
  readonly checksum: string
}

const recorded = async (connection: Connection): Promise<readonly RecordedMigration[]> => {
  const there = await connection.query<{ there: boolean }>(`select to_regclass('schema_migration') is not null as there`)
  if (there.rows[0]?.there !== true) return []
  return (await connection.query<RecordedMigration>('select number, name, checksum from schema_migration order by number')).rows
}

const apply = async (connection: Connection, { number, name, checksum, sql }: Migration): Promise<AppliedMigration> => {
  const startedAt = performance.now()
  await connection.query('begin')
  try {
    await connection.query(sql)
    await connection.query('insert into schema_migration (number, name, checksum) values ($1, $2, $3)', [number, name, checksum])
    await connection.query('commit')
  } catch (error) {
    await connection.query('rollback').catch(() => undefined)
    throw new Error(`migration ${number} (${name}) failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  return { number, name, tookMs: Math.round(performance.now() - startedAt) }
}

/** The advisory lock ends with the connection. */
const withConnection = async <Result>(url: string, use: (connection: Connection) => Promise<Result>): Promise<Result> => {
  const connection = newConnection({ url, applicationName: 'tasker migrate' })
  await connection.connect()
  try {
    return await use(connection)
  } finally {
    await connection.end().catch(() => undefined)
  }
}
