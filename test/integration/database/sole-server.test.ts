/** One server a database, for as long as its connection lives. */
import { type DatabaseHold, holdDatabase, type HoldHooks } from '@tasker/server/internal/database/sole-server'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { postgresProxy } from '../../support/postgres-proxy.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

const IGNORED: HoldHooks = { doubtful: () => undefined, regained: () => Promise.resolve(), taken: () => undefined }

const hold = async (name: string, hooks: Partial<HoldHooks> = {}, url = database.url): Promise<DatabaseHold> => {
  const held = await holdDatabase(url, name, { ...IGNORED, ...hooks })
  onTestFinished(() => held.release())
  return held
}

const PATIENCE_MS = 20_000

const kill = (name: string) =>
  query(database.url, 'select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1', [name])

test('a second server is refused, and told who has the database', async () => {
  await hold('server one')
  await expect(hold('server two')).rejects.toMatchObject({
    reason: 'SERVER_ALREADY_RUNNING',
    message: expect.stringContaining('server one') as string,
  })
})

test('a server that waits gets the database when the one before it lets go', async () => {
  const first = await hold('server one')
  const second = hold('server two')
  await first.release()
  expect(await second).toBeDefined()
})

test('a server that loses its connection is in doubt, and takes the database again', async () => {
  const said: string[] = []
  let resolve = (): void => undefined
  const regained = new Promise<void>((done) => {
    resolve = done
  })
  await hold('server one', {
    doubtful: () => void said.push('doubtful'),
    regained: () => {
      said.push('regained')
      resolve()
      return Promise.resolve()
    },
  })
  await kill('server one')
  await regained
  expect(said).toEqual(['doubtful', 'regained'])
})

test('a server that has the database again and cannot check its log yet does not take itself for another one', async () => {
  const said: string[] = []
  let checks = 0
  await hold('server one', {
    regained: async () => {
      checks++
      said.push(`check ${checks}`)
      if (checks < 3) throw new Error('the log cannot be read yet')
    },
    taken: (message) => void said.push(message),
  })
  await kill('server one')
  await until('the third check or a false alarm', PATIENCE_MS, async () => (said.length >= 3 ? true : undefined))
  expect(said).toEqual(['check 1', 'check 2', 'check 3'])
})

test('a server whose own dead connection still holds the database waits for its end', async () => {
  const proxy = await postgresProxy(database.url)
  onTestFinished(() => proxy.close())
  const said: string[] = []
  await hold(
    'server one',
    {
      doubtful: () => void said.push('doubtful'),
      regained: async () => void said.push('regained'),
      taken: (message) => void said.push(message),
    },
    proxy.url,
  )
  const [row] = await query(database.url, `select pid from pg_stat_activity where application_name = 'server one'`)
  const pid = Number(row?.['pid'])
  // As when the network swallows the farewell: PostgreSQL does not learn that nobody is there.
  process.kill(pid, 'SIGSTOP')
  try {
    const connections = proxy.connections()
    proxy.cutAll()
    await until('some tries', PATIENCE_MS, async () => (proxy.connections() >= connections + 3 ? true : undefined))
    expect(said).toEqual(['doubtful'])
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await until('it has the database again', PATIENCE_MS, async () => (said.length > 1 ? true : undefined))
  expect(said).toEqual(['doubtful', 'regained'])
})
