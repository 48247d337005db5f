/**
 * Starts a PostgreSQL on a data directory and keeps it exactly as long as it is wanted.
 *
 * S1  It listens on 127.0.0.1 alone and asks for a password (SCRAM) that only the directory's owner can read.
 * S2  A signal to the terminal's process group does not reach it: its launcher decides when it stops.
 * S3  When its launcher is killed it stops by itself; what is left of an earlier run is stopped before a new start.
 */
import { mkdirSync, realpathSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { findBinaries } from './binaries.js'
import { claimDirectory, stopLeftover } from './claim.js'
import { clusterFolder, openCluster, SUPERUSER } from './cluster.js'
import { linkLibraries } from './libraries.js'
import { serverArguments } from './parameters.js'
import { launch, type ServerProcess } from './process.js'
import { cacheFolder, chooseRunAs } from './run-as.js'

export interface PostgresOptions {
  /** Made when it is not there; holds the cluster, its password and its log. */
  readonly dataDir: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Whether an acknowledged commit survives a loss of power; true by default. */
  readonly durable?: boolean
  /** Settings of PostgreSQL that win over ours. */
  readonly parameters?: Readonly<Record<string, string>>
}

export interface RunningPostgres {
  /** Connects as the superuser to the database `postgres`. */
  readonly url: string
  readonly pid: number
  readonly port: number
  readonly dataDir: string
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<void>
  /** Clean shutdown, forced after a while; may be called again. */
  stop(): Promise<void>
  /** Ends it as a crash would, for tests of crashes. Resolves when the process is gone. */
  kill9(): Promise<void>
}

/** Starts PostgreSQL; resolves when it accepts connections. Throws `PostgresStartError` with PostgreSQL's own words. */
export const startPostgres = async (options: PostgresOptions): Promise<RunningPostgres> => {
  mkdirSync(options.dataDir, { recursive: true })
  const dataDir = realpathSync(options.dataDir)
  const release = claimDirectory(dataDir)
  try {
    const binaries = findBinaries()
    const links = binaries.home === undefined ? {} : linkLibraries(binaries.home, cacheFolder)
    const env = { ...process.env, ...links, TZ: 'UTC', LC_ALL: 'C' }
    const as = chooseRunAs(binaries, clusterFolder(dataDir), env)
    const cluster = await openCluster(as, dataDir, env)
    await stopLeftover(cluster.folder)
    const server = await launch({
      as,
      env,
      folder: cluster.folder,
      logFile: join(dataDir, 'postgres.log'),
      port: async () => (options.port === undefined || options.port === 0 ? freePort() : options.port),
      argumentsFor: (port) => serverArguments(cluster.folder, port, options.durable ?? true, options.parameters ?? {}),
    })
    return running(server, dataDir, cluster.password, release)
  } catch (error) {
    release()
    throw error
  }
}

const running = (server: ServerProcess, dataDir: string, password: string, release: () => void): RunningPostgres => {
  const exited = server.exited.then(release)
  return {
    url: `postgres://${SUPERUSER}:${password}@127.0.0.1:${server.port}/postgres`,
    pid: server.pid,
    port: server.port,
    dataDir,
    exited,
    stop: async () => {
      await server.stop()
      await exited
    },
    kill9: async () => {
      server.kill9()
      await exited
    },
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
