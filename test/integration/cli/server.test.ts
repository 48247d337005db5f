/** `tasker migrate` and `tasker server` on a database of one's own. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { start, tasker, textOf } from './processes.js'

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase('empty')
})
afterAll(() => database.drop())

test('a server refuses a database without a schema, runs after migrate, and refuses a newer one', async () => {
  const environment = { DATABASE_URL: database.url, TASKER_REST_PORT: '0', TASKER_GRPC_PORT: '0', TASKER_LOG_LEVEL: 'warn' }
  const before = await tasker(['server'], environment)
  expect(before.exitCode).toBe(1)
  expect(before.err).toContain('SCHEMA_BEHIND')
  expect(before.err).toContain('tasker migrate')

  const migrated = await tasker(['migrate'], environment)
  expect(migrated.exitCode).toBe(0)
  expect(migrated.out).toMatch(/^applied 0001_\w+ in \d+ ms\n/)
  expect((await tasker(['migrate'], environment)).out).toBe('the schema is current: nothing to do\n')

  const server = await start(['server'], environment)
  const url = textOf(server.ready, 'rest_url')
  const doctor = await tasker(['doctor', '--json'], { TASKER_URL: url, DATABASE_URL: database.url })
  expect(JSON.parse(doctor.out)).toMatchObject({ healthy: true })
  expect(await server.end('SIGTERM')).toBe(0)

  await query(database.url, `insert into schema_migration (number, name, checksum) values (9999, 'of_tomorrow', 'x')`)
  const newer = await tasker(['server'], environment)
  expect(newer.exitCode).toBe(1)
  expect(newer.err).toContain('SCHEMA_NEWER')
  expect((await tasker(['doctor'], { DATABASE_URL: database.url })).out).toContain('9999')
}, 120_000)
