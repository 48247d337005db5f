/** What keeps a server from starting, said at once; and what happens to the hold of a server on its database. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { eventCount } from '../../support/log-audit.js'
import { type Address, end, freeAddress, launchServer, rest } from '../../support/live-server.js'
import { freePort, type RunningProgram } from '../../support/processes.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until, within } from '../../support/until.js'
import { durablePostgres } from './durable-postgres.js'
import { expectRightResults, expectSoundLog, field, RESULTS_MS_MAX, sendParcels, untilBusy } from './field.js'

/** Node's own start included, on a machine with other things to do. */
const REFUSAL_MS_MAX = 20_000
/** What a start that is refused waits for a database that is away. */
const WAIT_MS = 500
const READY_MS_MAX = 60_000

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

const refusal = async (databaseUrl: string, address: Address): Promise<string> => {
  const program = launchServer(databaseUrl, address, { TASKER_DATABASE_WAIT_MS: String(WAIT_MS) })
  onTestFinished(() => end(program, 'SIGKILL').then(() => undefined))
  expect(await within('the refused server ends', REFUSAL_MS_MAX, program.exited)).toBe(1)
  return program.output()
}

test('a server whose database cannot be reached says so, without the password, waits a while, and ends with 1', async () => {
  const said = await refusal(`postgres://tasker:s3cret@127.0.0.1:${await freePort()}/tasker`, await freeAddress())
  expect(said).toContain('DATABASE_UNAVAILABLE')
  expect(said).toContain('ECONNREFUSED')
  expect(said).toContain('the database is away; the start waits for it')
  expect(said).toContain('DATABASE_URL')
  expect(said).not.toContain('s3cret')
})

test('a server whose database lets nobody in says so and ends with 1', async () => {
  const url = new URL(database.url)
  url.password = 'wrong'
  const said = await refusal(url.href, await freeAddress())
  expect(said).toContain('DATABASE_UNAVAILABLE')
  expect(said).toContain('password authentication failed')
  // No wait would help.
  expect(said).not.toContain('waits')
})

test('a server that is started before its database waits for it, and can be asked to stop meanwhile', async () => {
  const { postgres, again } = await durablePostgres()
  await postgres.stop()
  const kept = (program: RunningProgram): RunningProgram => {
    onTestFinished(() => end(program, 'SIGKILL').then(() => undefined))
    return program
  }
  const stopped = kept(launchServer(postgres.url, await freeAddress()))
  await within('the first start waits', READY_MS_MAX, stopped.line(/the database is away/))
  expect(await end(stopped)).toBe(0)

  const server = kept(launchServer(postgres.url, await freeAddress(), { TASKER_LOG_LEVEL: 'info' }))
  await within('the second start waits', READY_MS_MAX, server.line(/the database is away/))
  await again()
  await within('the server is ready', READY_MS_MAX, server.line(/"ready":true/))
  expect(server.output()).toContain('the database is there; the start goes on')
  expect(await end(server)).toBe(0)
}, 180_000)

test.each(['restPort', 'grpcPort'] as const)(
  'a server whose %s is taken names the port and the flag, and ends with 1',
  async (which) => {
    const squatter = createServer()
    squatter.listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    onTestFinished(() => void squatter.close())
    const taken = squatter.address()
    const port = typeof taken === 'object' && taken !== null ? taken.port : 0
    const said = await refusal(database.url, { ...(await freeAddress()), [which]: port })
    expect(said).toContain('PORT_IN_USE')
    expect(said).toContain(`port ${port} of 127.0.0.1`)
    expect(said).toContain(which === 'restPort' ? '--rest-port' : '--grpc-port')
  },
)

test('a second server on the same database is refused, and the first does not notice', async () => {
  const on = await field(database.url)
  await on.server()
  await on.worker(50)
  const sent = await sendParcels(on, 40, { holdMs: 500 })
  await untilBusy(on, 40)
  const said = await refusal(database.url, await freeAddress())
  expect(said).toContain('SERVER_ALREADY_RUNNING')
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(eventCount(audit, 'step.failed')).toBe(8)
  // Nobody took a partition after the first server had them all.
  expect(await acquisitions(database.url)).toBe(16)
}, 120_000)

test('a server goes on by itself when the connection that holds its database is terminated, and when all its connections are', async () => {
  const on = await field(database.url)
  const server = await on.server()
  await on.worker(50)
  const sent = await sendParcels(on, 100, { holdMs: 250 })
  await untilBusy(on, 50)
  const [holder] = await query(database.url, `${TERMINATE} and pid in (select pid from pg_locks where locktype = 'advisory')`)
  expect(holder).toBeDefined()
  await untilHeldAgain(database.url)
  for (let round = 0; round < 3; round++) {
    await query(database.url, TERMINATE)
    await untilHeldAgain(database.url)
  }
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(eventCount(audit, 'step.completed')).toBe(400)
  expect(eventCount(audit, 'step.failed')).toBe(20)
  expect(await acquisitions(database.url)).toBe(16)
  expect((await rest(on.address, '/health/ready')).status).toBe(200)
  expect(await end(server)).toBe(0)
}, 120_000)

const TERMINATE = `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'tasker %' and datname = current_database()`

const untilHeldAgain = (url: string): Promise<true> =>
  until('the server holds its database', RESULTS_MS_MAX, async () => {
    const held = await query(
      url,
      `select 1 from pg_locks join pg_database on oid = database where locktype = 'advisory' and granted and datname = current_database()`,
    )
    return held.length > 0 ? true : undefined
  })

const acquisitions = async (url: string): Promise<number> =>
  (await query(url, `select 1 from event where type = 'partition.acquired'`)).length
