/** The parts that several systems need: a database whose size can be asked, programs that are ended by their pid. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@tasker/dev-postgres'
import { newConnection } from '@tasker/server/internal/database'
import type { RunningProgram } from '../support/processes.js'
import type { Stored } from './contender.js'

export interface BenchDatabase {
  readonly url: string
  readonly pid: number
  stored(): Promise<Stored>
  /** Bytes on disk after a VACUUM. */
  vacuumed(): Promise<number>
  query<Row extends object>(sql: string): Promise<readonly Row[]>
  stop(): Promise<void>
}

/** PostgreSQL of its own in a new folder; it keeps its promises: fsync and synchronous_commit are on. */
export const startDatabase = async (parameters: Readonly<Record<string, string>> = {}): Promise<BenchDatabase> => {
  const folder = newFolder()
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), parameters })
  const connection = newConnection({ url: postgres.url, applicationName: 'bench' })
  await connection.connect()
  const query = async <Row extends object>(sql: string): Promise<readonly Row[]> => (await connection.query<Row>(sql)).rows
  const stored = async (): Promise<Stored> => {
    const [row] = await query<{ stored: string; wal: string }>(
      "select pg_database_size(current_database()) as stored, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as wal",
    )
    return { stored: Number(row?.stored), wal: Number(row?.wal) }
  }
  return {
    url: postgres.url,
    pid: postgres.pid,
    stored,
    vacuumed: async () => {
      await connection.query('vacuum')
      return (await stored()).stored
    },
    query,
    stop: async () => {
      await connection.end()
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'tasker-bench-'))

const STOP_MS_MAX = 15_000

export const end = async (program: RunningProgram): Promise<void> => {
  program.kill('SIGTERM')
  const deadline = setTimeout(() => program.kill('SIGKILL'), STOP_MS_MAX)
  await program.exited
  clearTimeout(deadline)
}

const READY_TRIES_MAX = 300
const READY_TRY_MS = 100

/** Asks until the answer is good. */
export const answering = async (url: string, program: RunningProgram, init: RequestInit = {}): Promise<void> => {
  for (let tries = 0; tries < READY_TRIES_MAX && program.running(); tries++) {
    const answer = await fetch(url, init).catch(() => undefined)
    if (answer?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, READY_TRY_MS))
  }
  throw new Error(`${url} did not answer:\n${program.output()}`)
}
