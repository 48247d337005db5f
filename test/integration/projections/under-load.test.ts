/** Rebuilds and comparisons while tasks run: readers see no gap, tasks go on, nothing is alarmed without a reason. */
import { beforeEach, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { SPOILS, startGround, TABLES } from './ground.js'
import { startTraffic } from './traffic.js'

const WARM_TASKS = 100

let database: TestDatabase
// Dropped when all that a test started on it has ended.
beforeEach(async ({ onTestFinished }) => {
  database = await freshDatabase()
  onTestFinished(() => database.drop())
})

/** What the rows are spoiled with while tasks run on them: nothing that a task or a caller would go wrong by before it is built anew. */
const HARMLESS = [
  ...SPOILS.activity,
  ...SPOILS.dead_letter,
  `insert into identity values ('0000', (select min(task_id) from task))`,
  `insert into key values ('no', 'key nothing', 1, 0, '{"limit":1,"places":[]}')`,
  `delete from timer where task_id = (select min(task_id) from timer where kind = 'run_at')`,
  `delete from ready_step where task_id in (select task_id from ready_step where handler = 'Nobody.Works' limit 2)`,
]

const untilTasks = (count: number) =>
  until(`${count} tasks are projected`, 60_000, async () => {
    const [row] = await query(database.url, 'select count(*)::int as tasks from task')
    return Number(row?.['tasks']) >= count ? true : undefined
  })

test('all projections are built anew under load, after they were spoiled, and every list read meanwhile is whole', async () => {
  const ground = await startGround(database.url)
  const traffic = startTraffic(ground)
  await untilTasks(WARM_TASKS)
  for (const statement of HARMLESS) await query(database.url, statement)
  for (const table of TABLES) await ground.rebuild(table)
  const { problems, listings, taskIds } = await traffic.stop()
  expect(problems).toEqual([])
  expect(listings).toBeGreaterThan(10)
  await ground.quiet()
  const { state, differences, first_difference } = await ground.verify()
  expect({ state, differences, first_difference }).toEqual({ state: 'done', differences: {}, first_difference: null })
  const listed = await query(database.url, 'select task_id from task')
  expect(new Set(listed.map((row) => row['task_id']))).toEqual(taskIds)
}, 120_000)

test.each([
  { what: 'that follow at once', intervalMs: '1' },
  { what: 'that lag behind by seconds', intervalMs: '3000' },
])(
  'rows $what are compared again and again under load, and none is said to differ',
  async ({ intervalMs }) => {
    const ground = await startGround(database.url, {
      TASKER_PROJECTION_INTERVAL_MS: intervalMs,
      TASKER_PROJECTION_VERIFY_STREAMS_PER_SECOND: '200',
    })
    const traffic = startTraffic(ground)
    await untilTasks(WARM_TASKS)
    for (let passes = 0; passes < 6; passes++) {
      const { state, differences, first_difference, streams } = await ground.verify()
      expect({ state, differences, first_difference }).toEqual({ state: 'done', differences: {}, first_difference: null })
      expect(streams).toBeGreaterThan(WARM_TASKS)
    }
    expect((await traffic.stop()).problems).toEqual([])
    const { problems } = (await ground.get('/health')) as { problems: unknown }
    expect(problems).toEqual(expect.not.arrayContaining([expect.stringContaining('differs')]))
  },
  120_000,
)
