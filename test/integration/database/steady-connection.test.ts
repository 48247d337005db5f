/** A connection that is made when it is needed, and made again when it was lost. */
import { SteadyConnection } from '@tasker/server/internal/database/steady-connection'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { postgresProxy } from '../../support/postgres-proxy.js'

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

const steady = (url: string): SteadyConnection => {
  const connection = new SteadyConnection({ url, applicationName: 'steady', preferIndexes: true })
  onTestFinished(() => connection.close())
  return connection
}

const connections = async (): Promise<unknown> =>
  (await query(database.url, `select count(*)::int as n from pg_stat_activity where application_name = 'steady'`))[0]?.['n']

test('callers at once share one connection, with the settings that were asked for', async () => {
  const connection = steady(database.url)
  const text = `select current_setting('synchronous_commit') as sync, current_setting('enable_seqscan') as scan`
  const answers = await Promise.all([connection.execute({ text }), connection.execute({ text })])
  expect(answers).toEqual([1, 2].map(() => ({ type: 'done', rowCount: 1, rows: [{ sync: 'on', scan: 'off' }] })))
  expect(await connections()).toBe(1)
})

test('a statement that PostgreSQL rejects does not cost the connection', async () => {
  const connection = steady(database.url)
  expect(await connection.execute({ text: 'select nonsense' })).toMatchObject({ type: 'trouble', trouble: { type: 'rejected' } })
  expect(await connection.execute({ text: 'select 1' })).toMatchObject({ type: 'done' })
})

test('a connection that is cut under a statement is replaced at the next', async () => {
  const proxy = await postgresProxy(database.url)
  onTestFinished(() => proxy.close())
  const connection = steady(proxy.url)
  await connection.execute({ text: 'select 1' })
  proxy.cutNext('select 2', 'before_answer')
  expect(await connection.execute({ text: 'select 2' })).toMatchObject({ trouble: { type: 'connection_lost' } })
  expect(await connection.execute({ text: 'select 3' })).toMatchObject({ type: 'done' })
})

test('while nobody listens every statement hears that it was not sent, and none after the end', async () => {
  const connection = steady('postgres://nobody@127.0.0.1:1/none')
  const unreachable = { type: 'trouble', trouble: { type: 'unreachable' } }
  for (let i = 0; i < 3; i++) expect(await connection.execute({ text: 'select 1' })).toMatchObject(unreachable)
  const waiting = connection.execute({ text: 'select 1' })
  await connection.close()
  expect(await waiting).toMatchObject(unreachable)
  expect(await connection.execute({ text: 'select 1' })).toMatchObject({ trouble: { message: 'the connection is closed' } })
})
