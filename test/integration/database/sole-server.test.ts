/** One server a database, for as long as its connection lives. */
import { type DatabaseHold, holdDatabase, type HoldHooks } from '@tasker/server/internal/database/sole-server'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

const IGNORED: HoldHooks = { doubtful: () => undefined, regained: () => Promise.resolve(), taken: () => undefined }

const hold = async (name: string, hooks: Partial<HoldHooks> = {}): Promise<DatabaseHold> => {
  const held = await holdDatabase(database.url, name, { ...IGNORED, ...hooks })
  onTestFinished(() => held.release())
  return held
}

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
