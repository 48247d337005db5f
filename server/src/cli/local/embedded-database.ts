/** The embedded PostgreSQL of `tasker dev`: started on a folder, started again on the same port if it dies, stopped at the end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type PostgresOptions, PostgresStartError, type RunningPostgres, startPostgres } from '@tasker/dev-postgres'
import { Fault } from '../../faults.js'
import { type Terminal } from '../terminal.js'
import { type Part } from './supervise.js'

const RESTARTS_MAX = 5

export interface DatabaseOptions {
  readonly dataDir: string
  /** Keep nothing: a folder of its own that goes with the process, and no waiting for the disk. */
  readonly ephemeral: boolean
}

export interface EmbeddedDatabase extends Part {
  readonly url: string
  readonly pid: number
  readonly dataDir: string
  /** What people are told about where the data is. */
  readonly place: string
}

export const startEmbeddedDatabase = async (options: DatabaseOptions, terminal: Terminal): Promise<EmbeddedDatabase> => {
  const dataDir = options.ephemeral ? mkdtempSync(join(tmpdir(), 'tasker-dev-')) : resolve(options.dataDir)
  const asking = new AbortController()
  const asked = (): boolean => asking.signal.aborted
  let restarts = 0
  let current = await started({ dataDir, durable: !options.ephemeral })

  const watch = async (watched: RunningPostgres): Promise<void> => {
    await watched.exited
    if (asked() || restarts >= RESTARTS_MAX) return
    restarts++
    terminal.err(`${terminal.colours.yellow('warning')} PostgreSQL died; starting it again`)
    try {
      current = await startPostgres({ dataDir, port: watched.port, durable: !options.ephemeral })
      if (asked()) await current.stop()
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      terminal.err(`${terminal.colours.red('error')} PostgreSQL did not come back: ${message}`)
      return
    }
    await watch(current)
  }
  const watching = watch(current)

  return {
    name: 'PostgreSQL',
    url: current.url,
    pid: current.pid,
    dataDir,
    place: options.ephemeral ? `${dataDir} (deleted at the end)` : dataDir,
    stop: async () => {
      asking.abort()
      await current.stop()
      await watching
      if (options.ephemeral) rmSync(dataDir, { recursive: true, force: true })
    },
    // Its watchdog stops it when this process is gone.
    kill: () => asking.abort(),
  }
}

/** Throws `EMBEDDED_DATABASE_FAILED` with what PostgreSQL said and what a person can do. */
const started = async (options: PostgresOptions): Promise<RunningPostgres> => {
  try {
    return await startPostgres(options)
  } catch (thrown) {
    if (!(thrown instanceof PostgresStartError)) throw thrown
    const [what = thrown.message] = thrown.message.split('\n  - ')
    const hint = thrown.hints.join(' ')
    throw new Fault({ code: 'UNAVAILABLE', reason: 'EMBEDDED_DATABASE_FAILED', message: what, hint, retryable: false }, thrown)
  }
}
