/** Rows of another version than the program's are built anew: those it works from before it answers, the others beside its work. */
import { beforeEach, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { dumpRows, fillDatabase, spoil, startGround, type Table } from './ground.js'

const TASKS = 60

let database: TestDatabase
// Dropped when all that a test started on it has ended.
beforeEach(async ({ onTestFinished }) => {
  database = await freshDatabase()
  onTestFinished(() => database.drop())
  await fillDatabase(database.url, TASKS)
})

test('a server that starts on rows of an older version has the new ones: of queues and timers at once, of lists soon', async () => {
  const rows = await dumpRows(database.url)
  const old: readonly Table[] = ['ready_step', 'timer', 'identity', 'key', 'task', 'activity', 'dead_letter']
  for (const table of old) await spoil(database.url, table)
  await query(database.url, `update projection set version = 0`)
  await query(database.url, `delete from projection where name = 'dead_letter'`)

  const ground = await startGround(database.url, {}, false)
  const atOnce = await dumpRows(database.url)
  for (const table of ['ready_step', 'timer', 'identity', 'key'] as const) expect(atOnce[table], table).toEqual(rows[table])
  await until('the lists are of the new version', 60_000, async () =>
    (await ground.projections()).every(({ version, program_version, rebuild }) => version === program_version && rebuild === null)
      ? true
      : undefined,
  )
  expect(await dumpRows(database.url)).toEqual(rows)
}, 120_000)

test('a server that starts on rows of its own version builds nothing', async () => {
  const before = await query(database.url, 'select name, version, built_at from projection order by name')
  const ground = await startGround(database.url, {}, false)
  expect((await ground.projections()).map(({ rebuild }) => rebuild)).toEqual(before.map(() => null))
  expect(await query(database.url, 'select name, version, built_at from projection order by name')).toEqual(before)
})

test('steps whose rows were lost while no server ran are found again by a rebuild, and run', async () => {
  const first = await startGround(database.url, {}, false)
  const { taskId } = await first.submit(101)
  await until('its step waits', 30_000, async () =>
    (await query(database.url, 'select 1 from ready_step where task_id = $1', [taskId])).length > 0 ? true : undefined,
  )
  await first.server.stop()
  await query(database.url, 'delete from ready_step')

  const second = await startGround(database.url)
  const statusOf = async (): Promise<unknown> =>
    (await query(database.url, 'select status from task where task_id = $1', [taskId]))[0]?.['status']
  expect(await statusOf()).toBe('pending')
  await second.rebuild('ready_step')
  await until('the task is complete', 30_000, async () => ((await statusOf()) === 'complete' ? true : undefined))
}, 120_000)
