/** The way to PostgreSQL: connections and pools from a URL, with every wait of theirs bounded by name. */
import pg from 'pg'

/** Bounds of a connection; all in milliseconds. */
export const DATABASE_LIMITS = {
  /** How long a connection may take to be made. */
  connectTimeoutMs: 5_000,
  /** After which PostgreSQL gives a statement up. */
  statementTimeoutMs: 30_000,
  /** After which a transaction that does nothing is ended, so that it holds no lock for ever. */
  idleInTransactionTimeoutMs: 30_000,
  /** How much longer the client waits than the server should, before it counts the connection as dead. */
  answerTimeoutMs: 40_000,
  /** Silence before the system asks the other side whether it is there. */
  keepAliveDelayMs: 10_000,
  /**
   * After which an unused connection of a pool is closed. Shorter than an answer may take: where all connections died without a word, those that
   * were unused are gone when the one that was waited for is given up, and are not waited for in their turn.
   */
  idleConnectionTimeoutMs: 10_000,
} as const

export interface ConnectionOptions {
  readonly url: string
  /** Shown in `pg_stat_activity`, so that an operator knows who it is. */
  readonly applicationName: string
  /**
   * Whether statements on this connection go by an index wherever there is one. For prepared statements on tables that are empty one moment
   * and full the next: a plan made for the empty one is kept.
   */
  readonly preferIndexes?: boolean
}

export type Connection = pg.Client
export type Pool = pg.Pool

/** A connection that is not open yet. Errors while it is idle end it; its next use says so. */
export const newConnection = (options: ConnectionOptions): Connection => {
  const client = new pg.Client(settings(options))
  client.on('error', () => undefined)
  return client
}

/** A pool of at most `connectionsMax` connections, opened as they are needed. */
export const openPool = (options: ConnectionOptions & { readonly connectionsMax: number }): Pool => {
  const pool = new pg.Pool({
    ...settings(options),
    max: options.connectionsMax,
    idleTimeoutMillis: DATABASE_LIMITS.idleConnectionTimeoutMs,
  })
  // A broken idle connection leaves the pool by itself; the next query opens another.
  pool.on('error', () => undefined)
  return pool
}

const settings = (options: ConnectionOptions): pg.ClientConfig => ({
  connectionString: options.url,
  application_name: options.applicationName,
  connectionTimeoutMillis: DATABASE_LIMITS.connectTimeoutMs,
  statement_timeout: DATABASE_LIMITS.statementTimeoutMs,
  idle_in_transaction_session_timeout: DATABASE_LIMITS.idleInTransactionTimeoutMs,
  query_timeout: DATABASE_LIMITS.answerTimeoutMs,
  keepAlive: true,
  keepAliveInitialDelayMillis: DATABASE_LIMITS.keepAliveDelayMs,
  options: sessionSettings(options),
})

const sessionSettings = ({ preferIndexes = false }: ConnectionOptions): string =>
  ['-c timezone=UTC', '-c synchronous_commit=on', ...(preferIndexes ? ['-c enable_seqscan=off'] : [])].join(' ')
