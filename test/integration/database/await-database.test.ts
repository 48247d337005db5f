/** A start that comes before its database. */
import { awaitDatabase, type DatabaseWait } from '@tasker/server/internal/database/await-database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { freePort } from '../../support/processes.js'

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

const waiting = (more: Partial<DatabaseWait>) => {
  const said: string[] = []
  const wait = awaitDatabase({
    url: database.url,
    waitMsMax: 60_000,
    signal: new AbortController().signal,
    away: (message) => said.push(message),
    back: () => said.push('back'),
    ...more,
  })
  return { wait, said }
}

const nowhere = async (): Promise<string> => `postgres://tasker@127.0.0.1:${await freePort()}/tasker`

test('a database that is there is not waited for, and nothing is said', async () => {
  const { wait, said } = waiting({})
  await wait
  expect(said).toEqual([])
})

test('one that stays away is said once, and given up when the time is over', async () => {
  const { wait, said } = waiting({ url: await nowhere(), waitMsMax: 700 })
  await expect(wait).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  expect(said).toHaveLength(1)
  expect(said[0]).toContain('ECONNREFUSED')
})

test('one that lets nobody in is not waited for', async () => {
  const url = new URL(database.url)
  url.password = 'wrong'
  const { wait, said } = waiting({ url: url.href })
  await expect(wait).rejects.toMatchObject({ code: '28P01' })
  expect(said).toEqual([])
})

test('the wait ends when the start is called off', async () => {
  const calledOff = new AbortController()
  const { wait } = waiting({ url: await nowhere(), signal: calledOff.signal, away: () => calledOff.abort() })
  await expect(wait).rejects.toMatchObject({ name: 'AbortError' })
})
