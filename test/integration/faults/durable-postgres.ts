/** A PostgreSQL of one's own that keeps its promises (fsync and synchronous commits are on), to be killed and started again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningPostgres, startPostgres } from '@tasker/dev-postgres'
import { migrate } from '@tasker/server/internal/database/migrate'
import { onTestFinished } from 'vitest'

interface DurablePostgres {
  readonly postgres: RunningPostgres
  /** On the same data and port. */
  readonly again: () => Promise<RunningPostgres>
}

/** Migrated; stopped and removed when the test is over. */
export const durablePostgres = async (): Promise<DurablePostgres> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tasker-killed-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const start = async (port: number): Promise<RunningPostgres> => {
    const postgres = await startPostgres({ dataDir, port, durable: true })
    onTestFinished(() => postgres.stop())
    return postgres
  }
  const postgres = await start(0)
  await migrate(postgres.url)
  return { postgres, again: () => start(postgres.port) }
}
