/** A server that is killed in the middle of a rebuild, or of the swap: the next one goes on from there, and the rows are right. */
import { newConnection } from '@tasker/server/internal/database'
import { PROJECTION_LIST, VERIFICATION_STATE } from '@tasker/server/internal/rest/schema/projections'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type Address, end, freeAddress, rest, startLiveServer } from '../../support/live-server.js'
import { copyOf, freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import type { RunningProgram } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { expectRightResults, expectSoundLog, field, sendParcels } from '../faults/field.js'
import { dumpRows, fillDatabase, spoil, type Table } from './ground.js'

/** Some turns of a rebuild. */
const TASKS = 700
const WAIT_MS_MAX = 60_000
const LOAD_TASKS = 120

let filled: TestDatabase
let database: TestDatabase
let address: Address
beforeAll(async () => {
  filled = await freshDatabase()
  await fillDatabase(filled.url, TASKS)
}, 120_000)
afterAll(() => filled.drop())
// Dropped when all that a test started on it has ended.
beforeEach(async ({ onTestFinished }) => {
  database = await copyOf(filled)
  onTestFinished(() => database.drop())
  address = await freeAddress()
})

const post = async (path: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${address.restPort}${path}`, { method: 'POST' })).status

const startServer = async (): Promise<RunningProgram> => {
  const settings = { TASKER_PARTITIONS: '4', TASKER_PROJECTION_VERIFY_STREAMS_PER_SECOND: '0' }
  const server = await startLiveServer(database.url, address, settings)
  onTestFinished(() => end(server, 'SIGKILL').then(() => undefined))
  return server
}

const projectionOf = async (name: Table) =>
  PROJECTION_LIST.parse((await rest(address, '/v1/projections')).body).projections.find((one) => one.name === name)

const untilBuilt = (name: Table) =>
  until(`${name} is built anew`, WAIT_MS_MAX, async () => ((await projectionOf(name))?.rebuild === null ? true : undefined))

const verify = async () => {
  expect(await post('/v1/projections/verify')).toBe(202)
  return until('the rows are compared', WAIT_MS_MAX, async () => {
    const { verification } = VERIFICATION_STATE.parse((await rest(address, '/v1/projections/verify')).body)
    return verification?.state === 'running' ? undefined : verification
  })
}

interface Stored {
  readonly phase: string
  readonly cursor: string
  readonly streams: number
}

const storedRebuild = async (): Promise<Stored | undefined> => {
  const [row] = await query(database.url, 'select phase, cursor, streams from projection_rebuild')
  return row && { phase: String(row['phase']), cursor: String(row['cursor']), streams: Number(row['streams']) }
}

const leftovers = () =>
  query(
    database.url,
    `select relname from pg_class where relname like '%\\_rebuild%' and relname not like 'projection\\_rebuild%'`,
  )

/** Each turn of a rebuild takes so long that a kill finds the statement under way; PostgreSQL ends it all the same. */
const slowTurns = async (): Promise<void> => {
  await query(
    database.url,
    'create function slow_turn() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return new; end $$',
  )
  await query(
    database.url,
    'create trigger slow_turn before update on projection_rebuild for each row execute function slow_turn()',
  )
}

test('killed again and again while it folds, it goes on from its cursor', async () => {
  const rows = await dumpRows(database.url)
  await spoil(database.url, 'activity')
  await slowTurns()
  let server = await startServer()
  expect(await post('/v1/projections/activity/rebuild')).toBe(202)
  const cursors: string[] = ['']
  for (let kills = 0; kills < 2; kills++) {
    const before = cursors.at(-1) ?? ''
    const stored = await until('a turn more is written', WAIT_MS_MAX, async () => {
      const now = await storedRebuild()
      return now === undefined || (now.phase === 'folding' && now.cursor > before) || now.phase === 'catching_up'
        ? now
        : undefined
    })
    await end(server, 'SIGKILL')
    expect(stored.phase).toBe('folding')
    const asKilled = await storedRebuild()
    expect(asKilled?.streams).toBeLessThan(TASKS)
    cursors.push(asKilled?.cursor ?? '')
    server = await startServer()
  }
  expect(cursors).toEqual(cursors.toSorted())
  await untilBuilt('activity')
  // Sums show what was added twice or not at all.
  expect(await dumpRows(database.url)).toEqual(rows)
  expect(await leftovers()).toEqual([])
}, 180_000)

test('killed in the middle of the swap, after the old table went and before the new one is there for all, it swaps again', async () => {
  const rows = await dumpRows(database.url)
  await spoil(database.url, 'task')
  const spoiled = await dumpRows(database.url)
  const server = await startServer()
  // The swap stands still inside of its transaction for as long as this function does.
  await query(
    database.url,
    `create function stand_still() returns event_trigger language plpgsql as $$ begin perform pg_sleep(60); end $$`,
  )
  await query(
    database.url,
    `create event trigger stand_still on ddl_command_end when tag in ('ALTER INDEX') execute function stand_still()`,
  )
  expect(await post('/v1/projections/task/rebuild')).toBe(202)
  const backend = await until('the swap is in its middle', WAIT_MS_MAX, async () => {
    const [row] = await query(
      database.url,
      `select pid from pg_stat_activity where application_name = 'tasker rebuild' and wait_event = 'PgSleep'`,
    )
    return row === undefined ? undefined : Number(row['pid'])
  })
  await end(server, 'SIGKILL')
  await query(database.url, 'select pg_terminate_backend($1)', [backend])
  await query(database.url, 'drop event trigger stand_still')
  expect((await dumpRows(database.url)).task).toEqual(spoiled.task)
  await startServer()
  await untilBuilt('task')
  expect(await dumpRows(database.url)).toEqual(rows)
  expect(await leftovers()).toEqual([])
}, 120_000)

test('killed while the swap waits for a reader, it leaves the old rows; later the new ones take their place', async () => {
  const rows = await dumpRows(database.url)
  await spoil(database.url, 'timer')
  const server = await startServer()
  const reader = newConnection({ url: database.url, applicationName: 'a slow reader' })
  await reader.connect()
  onTestFinished(() => reader.end())
  await reader.query('begin')
  await reader.query('select count(*) from timer')
  expect(await post('/v1/projections/timer/rebuild')).toBe(202)
  await until('the swap waits', WAIT_MS_MAX, async () => {
    const waiting = await query(database.url, `select 1 from pg_locks where mode = 'AccessExclusiveLock' and not granted`)
    return waiting.length > 0 ? true : undefined
  })
  // Lists go on meanwhile, if only after the half second that the swap waits.
  expect((await rest(address, '/v1/tasks')).status).toBe(200)
  await end(server, 'SIGKILL')
  await reader.query('commit')
  await startServer()
  await untilBuilt('timer')
  expect((await dumpRows(database.url)).timer).toEqual(rows.timer)
  expect(await verify()).toMatchObject({ state: 'done', differences: {} })
}, 120_000)

test('killed while it builds anew under load, again and again: every task has its right result, and the rows are those of the log', async () => {
  database = await freshDatabase()
  onTestFinished(() => database.drop())
  const on = await field(database.url)
  const settings = { TASKER_PARTITIONS: '4', TASKER_PROJECTION_VERIFY_STREAMS_PER_SECOND: '0' }
  let server = await on.server(settings)
  await on.worker(60)
  const sent = await sendParcels(on, LOAD_TASKS, { holdMs: 150 })
  const ask = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${on.address.restPort}${path}`, { method: 'POST' })).status
  for (const name of ['activity', 'ready_step', 'timer'] as const) {
    expect(await ask(`/v1/projections/${name}/rebuild`)).toBe(202)
    await until('the rebuild is under way', WAIT_MS_MAX, async () => {
      const built = await query(database.url, `select 1 from projection where name = $1 and built_at > now() - interval '20 s'`, [
        name,
      ])
      return built.length > 0 || ((await storedRebuild())?.streams ?? 0) > 0 ? true : undefined
    })
    await end(server, 'SIGKILL')
    server = await on.server(settings)
  }
  await expectRightResults(sent)
  await expectSoundLog(on, sent)
  address = on.address
  for (const name of ['activity', 'ready_step', 'timer'] as const) await untilBuilt(name)
  expect(await verify()).toMatchObject({ state: 'done', differences: {}, unreadable_streams: 0 })
}, 180_000)
