/** One embedded PostgreSQL for a whole run of tests, with one migrated database that the others are copied from. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@tasker/dev-postgres'
import { newConnection } from '@tasker/server/internal/database'
import { migrate } from '@tasker/server/internal/database/migrate'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser's URL of the run's PostgreSQL. */
    readonly postgresUrl: string
  }
}

const TEMPLATE_DATABASE = 'tasker_template'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tasker-test-'))
  const postgres = await startPostgres({
    dataDir,
    durable: false,
    parameters: { max_connections: '300', shared_buffers: '128MB' },
  })
  const connection = newConnection({ url: postgres.url, applicationName: 'tests' })
  await connection.connect()
  await connection.query(`create database ${TEMPLATE_DATABASE}`)
  await connection.end()
  const template = new URL(postgres.url)
  template.pathname = `/${TEMPLATE_DATABASE}`
  await migrate(template.href)
  project.provide('postgresUrl', postgres.url)
  return async () => {
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
