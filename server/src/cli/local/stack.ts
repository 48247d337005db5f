/** Everything between a database and an answering server: its schema checked or brought up to date, the ports looked at, the server started. */
import { withoutPassword } from '../../config/redacted.js'
import { readServerConfig, type ServerConfig } from '../../config.js'
import { awaitDatabase } from '../../database/await-database.js'
import { databaseTrouble } from '../../database/trouble.js'
import { type AppliedMigration, migrate, schemaFault, schemaStatus } from '../../database/migrate.js'
import { Fault } from '../../faults.js'
import { createLogger } from '../../telemetry/logger.js'
import { requireFreePort } from './free-port.js'
import { type Site } from './supervise.js'

export interface RunningStack {
  readonly restUrl: string
  readonly grpcUrl: string
}

/** What stopping takes beside draining: streams, the read models, the connections. */
const STOP_SLACK_MS = 20_000

/** Looks at both ports before anything is started. */
export const requireFreePorts = async ({ host, restPort, grpcPort }: ServerConfig): Promise<void> => {
  await requireFreePort(host, restPort, '--rest-port')
  await requireFreePort(host, grpcPort, '--grpc-port')
}

/** Starts the server on a database whose schema is current; it is stopped with the site. */
export const startStack = async (site: Site, config: ServerConfig): Promise<RunningStack> => {
  // Loaded here alone, so that a client command does not wait for the server's libraries.
  const { startServer } = await import('../../compose.js')
  const server = await startServer(config)
  const stopMsMax = config.stopDeadlineMs + STOP_SLACK_MS
  // A server is part of this process: it ends with it at the latest.
  site.keep({ name: 'server', stopMsMax, stop: () => server.stop(), kill: () => undefined })
  return { restUrl: server.restUrl, grpcUrl: server.grpcUrl }
}

/** Applies what is pending and tells what it did. */
export const migrateDatabase = (url: string): Promise<readonly AppliedMigration[]> => reached(url, () => migrate(url))

/** Throws when the database is away or its schema is not the one this program knows. */
export const requireCurrentSchema = async (url: string): Promise<number> => {
  const status = await reached(url, () => schemaStatus(url))
  if (status.type !== 'current') throw schemaFault(status)
  return status.number
}

/** Waits for a database that is away, as long as the settings say and where that can help; throws as `requireCurrentSchema` does. */
export const awaitCurrentSchema = async (config: ServerConfig, signal: AbortSignal): Promise<void> => {
  const { databaseUrl: url, databaseWaitMs: waitMsMax } = config
  const logger = createLogger({ level: config.logLevel })
  const away = (message: string): void =>
    logger.warn(
      { message, database: withoutPassword(url), wait_ms_max: waitMsMax },
      'the database is away; the start waits for it',
    )
  const back = (): void => logger.info({}, 'the database is there; the start goes on')
  await reached(url, () => awaitDatabase({ url, waitMsMax, signal, away, back }))
  await requireCurrentSchema(url)
}

const reached = async <Result>(url: string, work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work()
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
    throw databaseFault(thrown, url)
  }
}

const databaseFault = (thrown: unknown, url: string): Fault => {
  const trouble = databaseTrouble(thrown, 'connecting')
  return new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      message: `the database at ${withoutPassword(url)} cannot be used: ${trouble.message}`,
      hint: 'check DATABASE_URL, and that PostgreSQL runs and lets this user in',
      retryable: true,
    },
    thrown,
  )
}

/** The database's URL alone, for commands that need nothing else of the settings. */
export const databaseUrlIn = (environment: { readonly [variable: string]: string | undefined }): string | undefined => {
  const answer = readServerConfig({ DATABASE_URL: environment['DATABASE_URL'] })
  return answer.type === 'valid' ? answer.config.databaseUrl : undefined
}
