/** The wiring diagram: the only place where adapters are built and joined. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import {
  archivesAnything,
  durationMs,
  type Lifecycle,
  partitionNumber,
  present,
  readRetention,
  unreachable,
  type WatchedState,
} from '@tasker/core'
import { monotonicFactory } from 'ulid'
import { Archiver } from './archive/archiver.js'
import { directoryStore } from './archive/directory-store.js'
import { postgresRows } from './archive/postgres/postgres-rows.js'
import { serverAudit } from './audit/audit.js'
import { sealFiles } from './audit/seal-files.js'
import { configuredSealKey, trustedKeys } from './audit/configured-keys.js'
import { SealedRanges } from './audit/read-proof.js'
import { inBackground } from './background.js'
import { redactedConfig } from './config/redacted.js'
import type { ServerConfig } from './config.js'
import { openPool } from './database.js'
import { schemaFault, schemaStatus } from './database/migrate.js'
import { type DatabaseHold, holdDatabase } from './database/sole-server.js'
import { type EngineHooks, type RunningEngine, startEngine } from './engine/engine.js'
import type { PublishingPorts } from './engine/engine-ports.js'
import type { SealingPorts } from './engine/seals/sealer.js'
import { systemClock } from './engine/system-clock.js'
import { Fault } from './faults.js'
import { startGrpcServer } from './grpc/server.js'
import type { EventLog } from './log/port.js'
import { commitProbe } from './log/postgres/commit-probe.js'
import { openPostgresAudit, openPostgresLog } from './log/postgres/postgres-log.js'
import { openAuditorRows } from './projections/postgres/auditor-rows.js'
import { openPostgresRebuilds } from './projections/postgres/rebuilds.js'
import { openPostgresStore, PROJECTION } from './projections/postgres-store.js'
import type { UpkeepPorts } from './projections/upkeep.js'
import { differenceText } from './projections/verify/compare.js'
import { postgresAnalytics } from './query/postgres-analytics.js'
import { pgmqTransport } from './publishers/pgmq/pgmq-transport.js'
import { rabbitmqTransport } from './publishers/rabbitmq/rabbitmq-transport.js'
import type { EventTransport } from './publishers/transport.js'
import { postgresQuery } from './query/postgres-query.js'
import { startRestServer } from './rest/server.js'
import { createLogger, type Logger } from './telemetry/logger.js'
import { createMetrics, type Metrics } from './telemetry/metrics.js'
import { schemaCheck } from './templates/json-schema.js'

export interface RunningServer {
  readonly restUrl: string
  readonly grpcUrl: string
  /** Ends the streams, writes what waits, lets go of the database; may be called again. */
  stop(): Promise<void>
}

export interface ServerHooks {
  /** Another server owns the log. The default says so, stops and exits with 1. */
  readonly fenced?: (message: string, server: { stop(): Promise<void> }) => void
}

/** Throws a Fault that says what to do when the schema is not ours, another server runs, or a port is taken. */
export const startServer = async (config: ServerConfig, hooks: ServerHooks = {}): Promise<RunningServer> => {
  const status = await schemaStatus(config.databaseUrl)
  if (status.type !== 'current') throw schemaFault(status)
  const logger = createLogger({ level: config.logLevel })
  const opened = new Opened(logger)
  try {
    return await joinParts(config, hooks, logger, opened)
  } catch (error) {
    await opened.close()
    throw error
  }
}

const joinParts = async (config: ServerConfig, hooks: ServerHooks, logger: Logger, opened: Opened): Promise<RunningServer> => {
  const node = `${hostname()}/${process.pid}/${monotonicFactory()()}`
  const metrics = createMetrics({ withProcess: true })
  const running: { engine: RunningEngine | undefined } = { engine: undefined }
  const fence = (message: string): void => (hooks.fenced ?? exitFenced(logger))(message, { stop: () => opened.close() })
  const log = await openLog(config)
  opened.add('event log', () => log.close())
  const hold = await holdFor(config, node, log, running, fence)
  opened.add('database hold', () => hold.release())
  const store = await openPostgresStore({ url: config.databaseUrl })
  opened.add('projections', () => store.close())
  const pool = openPool({ url: config.databaseUrl, applicationName: 'tasker query', connectionsMax: config.databaseConnections })
  opened.add('query pool', () => pool.end())
  const publishing = publishingOf(config, logger, opened)
  const probe = commitProbe(config.databaseUrl, config.partitionCount)
  opened.add('commit probe', () => probe.close())
  const upkeep = await upkeepOf(config, logger, metrics, opened)
  const sealing = sealingOf(config, logger)
  const ports = { ...publishing, ...sealing, probe, upkeep }
  const recoveryAt = performance.now()
  const engine = await startEngine(
    { log, store, clock: systemClock, schemaCheck: schemaCheck(), metrics, draw: Math.random, ...ports },
    engineSettings(config, node),
    engineHooks(logger, fence),
    // A hold that is lost while the engine recovers is in doubt all the same.
    (built) => (running.engine = built),
  )
  opened.add('engine', () => engine.stop())
  logger.info({ node, ...engine.recovered, recoveryMs: Math.round(performance.now() - recoveryAt) }, 'recovered')
  const retention = archiverOf(config, { engine, log, metrics, logger }, opened)
  const query = postgresQuery({ reader: pool, projection: PROJECTION })
  const analytics = { analytics: postgresAnalytics(pool), queues: () => engine.queues(), now: () => systemClock.now() }
  const audit = serverAudit({
    log,
    sealed: (partition, seq) => engine.sealed(partition, seq),
    archived: async (taskId) => retention?.proof(taskId),
    trusted: trustedKeys(config.sealPublicKeys, sealing.sealing?.key),
    sealsDir: config.sealsDir === '' ? undefined : config.sealsDir,
  })
  const { host } = config
  const info = { version: programVersion(), startedAt: Date.now(), config: redactedConfig(config) }
  const grpc = await startGrpcServer({
    engine,
    query,
    analytics,
    logger,
    host,
    port: config.grpcPort,
    serverId: node,
    workerTimes: workerTimes(config),
  })
  opened.add('gRPC', () => grpc.stop(config.stopDeadlineMs))
  const rest = await startRestServer({
    engine,
    query,
    analytics,
    audit,
    retention,
    projections: present(engine.projections, 'what looks after the rows'),
    logger,
    metrics,
    host,
    port: config.restPort,
    info,
  })
  opened.add('REST', () => rest.stop())
  return { restUrl: `http://${shown(host)}:${rest.port}`, grpcUrl: `${shown(host)}:${grpc.port}`, stop: () => opened.close() }
}

const engineHooks = (logger: Logger, fenced: EngineHooks['fenced']): EngineHooks => ({
  fenced,
  quarantined: (stream) => logger.error({ ...stream }, 'a task is quarantined'),
  logAvailable: (available, message) => {
    if (available) logger.info({}, 'the database is back')
    else logger.error({ message }, 'the database went away; commits wait for it')
  },
})

/** What archives tasks that are over; nobody when there is no place for archives. */
const archiverOf = (
  { databaseUrl, archiveDir, ...config }: ServerConfig,
  { engine, log, metrics, logger }: ArchivedFrom,
  opened: Opened,
): Archiver | undefined => {
  const reading = readRetention(config.retention)
  if (archiveDir === '' || reading.type === 'invalid') return undefined
  const rows = postgresRows(databaseUrl)
  opened.add('archive rows', () => rows.close())
  const hooks = {
    archived: (archive: string, tasks: number, bytes: number) => {
      metrics.archiveWritten(bytes)
      logger.info({ archive, tasks, bytes }, 'tasks are archived')
    },
    failed: (message: string) => {
      metrics.archiveFailed()
      logger.warn({ message }, 'tasks that are due are not archived; it is tried again')
    },
  }
  const archiver = new Archiver(
    {
      engine,
      log,
      rows,
      store: directoryStore(archiveDir),
      clock: systemClock,
      hooks,
      sealed: new SealedRanges(log.audit),
    },
    {
      retention: reading.retention,
      batchTasksMax: config.archiveBatchTasksMax,
      pauseMs: durationMs(config.archivePauseMs),
      intervalMs: durationMs(config.archiveIntervalMs),
    },
  )
  opened.add('archiver', () => archiver.stop())
  archiver.start()
  return archiver
}

interface ArchivedFrom {
  readonly engine: RunningEngine
  readonly log: EventLog
  readonly metrics: Metrics
  readonly logger: Logger
}
/** How seals are made; none are, and people are told, when there is no key. */
const sealingOf = (config: ServerConfig, logger: Logger): { readonly sealing?: SealingPorts } => {
  const key = configuredSealKey(config.sealKey)
  if (key === undefined) {
    if (archivesTasks(config)) throw archivesNeedSeals
    logger.warn({}, 'no TASKER_SEAL_KEY: no seals are made, and a change of the log by hand is not always found')
    return {}
  }
  const sealing: SealingPorts = {
    key,
    commitsMax: config.sealCommitsMax,
    afterMs: durationMs(config.sealAfterMs),
    published: config.sealsDir === '' ? undefined : sealFiles(config.sealsDir),
    trouble: (what, message) => {
      if (message === undefined) logger.info({ what }, 'seals work again')
      else logger.warn({ what, message }, 'seals are behind')
    },
  }
  return { sealing }
}

const archivesTasks = ({ retention }: ServerConfig): boolean => {
  const reading = readRetention(retention)
  return reading.type === 'valid' && archivesAnything(reading.retention)
}

/** An archive holds proofs, and a proof ends at a seal. */
const archivesNeedSeals = new Fault({
  code: 'INVALID_INPUT',
  reason: 'BAD_SETTINGS',
  message: 'TASKER_RETENTION says that tasks are archived, and TASKER_SEAL_KEY is empty: archives hold proofs, which need seals',
  hint: 'Make a key with: openssl genpkey -algorithm ed25519 -out seal-key.pem',
  retryable: false,
})

/** The log of a database as an auditor reads it, who brings nothing but its address. */
export const openAudit = openPostgresAudit

/** Rebuilds and comparisons of rows, on connections of their own. Its log only reads. */
const upkeepOf = async (config: ServerConfig, logger: Logger, metrics: Metrics, opened: Opened): Promise<UpkeepPorts> => {
  const { databaseUrl: url, projectionVerifyStreamsPerSecond: verifyStreamsPerSecond } = config
  const log = await openPostgresLog({ url, partitionCount: config.partitionCount, readConnections: UPKEEP_READ_CONNECTIONS })
  opened.add('log of the upkeep', () => log.close())
  const rebuilds = openPostgresRebuilds({ url, checkpoints: PROJECTION })
  opened.add('rebuilds', () => rebuilds.close())
  const rows = openAuditorRows({ url, checkpoints: PROJECTION })
  opened.add('rows to verify', () => rows.close())
  const told: UpkeepPorts['told'] = {
    started: ({ name, phase, cursor }) => logger.info({ projection: name, phase, cursor }, 'a projection is built anew'),
    failed: (name, error) =>
      logger.warn({ projection: name, error: String(error) }, 'a rebuild does not get on; it is tried again'),
    swapped: (name, built) => {
      metrics.projectionRebuilt(name)
      logger.info({ projection: name, ...built }, 'new rows are in the place of the old ones')
    },
    found: (difference, isFirst) => {
      metrics.rowDiffers(difference.projection)
      if (isFirst) logger.error({ difference }, `a row is not what the log says: ${differenceText(difference)}`)
    },
    verified: (streams) => metrics.streamsVerified(streams),
  }
  return { log, rebuilds, rows, verifyStreamsPerSecond, told }
}

const UPKEEP_READ_CONNECTIONS = 2

/** Where domain events go; nowhere, and they wait in the log, when the settings say `none`. */
const publishingOf = (config: ServerConfig, logger: Logger, opened: Opened): { readonly publishing?: PublishingPorts } => {
  const transport = eventTransport(config)
  if (transport === undefined) return {}
  opened.add('domain events', () => transport.close())
  const publishing: PublishingPorts = {
    transport,
    available: (available, message) => {
      if (available) logger.info({ transport: transport.name }, 'domain events are published again')
      else logger.warn({ transport: transport.name, message }, 'domain events wait in the log')
    },
    unreadable: (stream, error) => logger.error({ stream, error: String(error) }, 'domain events of a commit cannot be read'),
  }
  return { publishing }
}

const eventTransport = (config: ServerConfig): EventTransport | undefined => {
  const { eventsTransport, databaseUrl, rabbitmqUrl, rabbitmqExchange } = config
  switch (eventsTransport) {
    case 'rabbitmq':
      return rabbitmqTransport({ url: rabbitmqUrl, exchange: rabbitmqExchange, databaseUrl })
    case 'pgmq':
      return pgmqTransport(databaseUrl)
    case 'none':
      return undefined
    default:
      return unreachable(eventsTransport)
  }
}

const openLog = ({ databaseUrl, partitionCount, appendConnections }: ServerConfig): Promise<EventLog> =>
  openPostgresLog({ url: databaseUrl, partitionCount, appendConnections })

/** The hold on the database; while it is in doubt the engine answers nothing, and it goes on only if nobody took a partition meanwhile. */
const holdFor = (
  config: ServerConfig,
  node: string,
  log: EventLog,
  running: { readonly engine: RunningEngine | undefined },
  fence: (message: string) => void,
): Promise<DatabaseHold> =>
  holdDatabase(config.databaseUrl, `tasker ${node}`.slice(0, APPLICATION_NAME_MAX), {
    doubtful: (message) => running.engine?.suspend(message),
    taken: fence,
    regained: async () => {
      for (const [partition, epoch] of running.engine?.epochs() ?? []) {
        const head = await log.head(partitionNumber(partition))
        if (head.epoch !== epoch) return fence(`partition ${partition} has epoch ${head.epoch}, not ${epoch}`)
      }
      running.engine?.resume()
    },
  })

/** What PostgreSQL keeps of an application name. */
const APPLICATION_NAME_MAX = 63

const engineSettings = (config: ServerConfig, node: string): Parameters<typeof startEngine>[1] => ({
  node,
  batchCommitsMax: config.appendBatchMax,
  cacheBytesMax: config.cacheBytesMax,
  projectionIntervalMs: durationMs(config.projectionIntervalMs),
  workerGraceMs: durationMs(config.workerGraceMs),
  workerSilenceMs: durationMs(config.workerSilenceMs),
  cancelGraceMs: durationMs(config.cancelGraceMs),
  templateReplace: config.templateReplace,
  environment: config.environment === '' ? undefined : config.environment,
  lifecycle: lifecycleOf(config),
  workerUnavailableMs: durationMs(config.workerUnavailableMs),
  workerUnavailableDeadLetterMs: durationMs(config.workerUnavailableDlqMs),
})

/** What a setting of 0 leaves to the system. */
const lifecycleOf = (config: ServerConfig): Lifecycle => ({
  thresholdsMs: {
    ...threshold('waiting_for_dependencies', config.staleWaitingForDependenciesMinutes),
    ...threshold('waiting_for_retry', config.staleWaitingForRetryMinutes),
    ...threshold('steps_in_process', config.staleStepsInProcessMinutes),
    ...threshold('duration', config.staleDurationMinutes),
    ...threshold('blocked_by_failures', config.staleBlockedMinutes),
  },
  stalenessAction: config.stalenessAction,
  autoFailOnTimeout: undefined,
  autoDlqOnTimeout: undefined,
})

const threshold = (state: WatchedState, minutes: number): Lifecycle['thresholdsMs'] =>
  minutes === 0 ? {} : { [state]: durationMs(minutes * 60_000) }

/** Workers are told to be heard several times within the silence that counts as death. */
const workerTimes = ({ workerGraceMs, workerSilenceMs }: ServerConfig) => ({
  heartbeatIntervalMs: durationMs(Math.max(50, Math.floor(workerSilenceMs / 6))),
  graceMs: durationMs(workerGraceMs),
  silenceMs: durationMs(workerSilenceMs),
})

const exitFenced =
  (logger: Logger) =>
  (message: string, server: { stop(): Promise<void> }): void => {
    logger.fatal({ message }, 'another server owns the log; this one stops')
    inBackground(server.stop().finally(() => process.exit(1)))
  }

const shown = (host: string): string =>
  host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host

const programVersion = (): string => {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown'
}

/** What was opened, closed once and in reverse; what fails to close does not keep the rest open. */
class Opened {
  readonly #logger: Logger
  readonly #parts: { readonly name: string; readonly close: () => Promise<void> }[] = []
  #closing: Promise<void> | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(name: string, close: () => Promise<void>): void {
    this.#parts.push({ name, close })
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    for (const { name, close } of this.#parts.toReversed()) {
      try {
        await close()
      } catch (error) {
        this.#logger.warn({ name, error }, 'did not close cleanly')
      }
    }
  }
}
