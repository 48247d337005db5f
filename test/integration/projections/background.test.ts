/** Rows are compared with the log all the time: what is wrong is told by itself, and no more when it is repaired. */
import { runCommandLine } from '@tasker/server/internal/cli/program'
import { terminalOver } from '@tasker/server/internal/cli/terminal'
import { DETAILED_HEALTH } from '@tasker/server/internal/rest/schema/operations'
import { Readable } from 'node:stream'
import { beforeEach, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { fillDatabase, type Ground, spoil, startGround, type Table } from './ground.js'

const TASKS = 60
const WAIT_MS_MAX = 60_000

let database: TestDatabase
// Dropped when all that a test started on it has ended.
beforeEach(async ({ onTestFinished }) => {
  database = await freshDatabase()
  onTestFinished(() => database.drop())
  await fillDatabase(database.url, TASKS)
})

const health = async (ground: Ground) => DETAILED_HEALTH.parse(await ground.get('/health/detailed'))

const tasker = async (ground: Ground, ...args: readonly string[]) => {
  let out = ''
  const terminal = terminalOver({ write: (text) => (out += text) }, { write: (text) => (out += text) }, false)
  const host = { environment: { TASKER_URL: ground.url }, stdin: Readable.from([]), terminal: () => terminal }
  return { exitCode: await runCommandLine(args, host), out }
}

test('a row that is wrong is found without anybody asking, and told by health, metrics, doctor and the list, until it is repaired', async () => {
  await spoil(database.url, 'timer')
  const ground = await startGround(database.url, { TASKER_PROJECTION_VERIFY_STREAMS_PER_SECOND: '500' }, false)
  const found = await until('the rows are said to differ', WAIT_MS_MAX, async () => {
    const now = await health(ground)
    return now.projection_differences.length > 0 ? now : undefined
  })
  expect(found.status).toBe('degraded')
  expect(found.projection_differences).toMatchObject([{ projection: 'timer' }])
  expect(found.problems).toEqual([expect.stringMatching(/rows? of the projection timer differs? from the log: /)])
  const metrics = await (await fetch(`${ground.url}/metrics`)).text()
  expect(metrics).toMatch(/^tasker_projection_differences_total\{projection="timer"\} [1-9]/m)
  expect(metrics).toMatch(/^tasker_projection_verified_streams_total [1-9]/m)
  expect((await tasker(ground, 'doctor')).out).toContain('tasker projection rebuild timer')
  expect((await tasker(ground, 'projection', 'status')).out).toMatch(/timer .*rows/)

  const verified = await tasker(ground, 'projection', 'verify', 'timer')
  expect(verified).toMatchObject({ exitCode: 1, out: expect.stringContaining('timer ') as string })
  expect(await tasker(ground, 'projection', 'rebuild', 'timer', '--wait')).toMatchObject({ exitCode: 0 })
  await until('all is well', WAIT_MS_MAX, async () => ((await health(ground)).status === 'ok' ? true : undefined))
  expect(await health(ground)).toMatchObject({ problems: [], projection_differences: [] })
  expect(await tasker(ground, 'projection', 'verify')).toMatchObject({ exitCode: 0 })
}, 120_000)

test.each<Table>(['task', 'ready_step', 'identity', 'activity', 'key', 'dead_letter'])(
  'rows of %s that are wrong are found in the background',
  async (table) => {
    await spoil(database.url, table)
    const ground = await startGround(database.url, { TASKER_PROJECTION_VERIFY_STREAMS_PER_SECOND: '500' }, false)
    const found = await until('the rows are said to differ', WAIT_MS_MAX, async () => {
      const { projection_differences: differences } = await health(ground)
      return differences.length > 0 ? differences : undefined
    })
    expect(found.map(({ projection }) => projection)).toEqual([table])
  },
  120_000,
)

test('a comparison that was asked for and finds nothing takes back what was found, once it is repaired by hand', async () => {
  const ground = await startGround(database.url, {}, false)
  const [row] = await query(database.url, `select task_id, status from task where status = 'complete' limit 1`)
  const set = (status: unknown) =>
    query(database.url, 'update task set status = $1 where task_id = $2', [status, row?.['task_id']])
  await set('cancelled')
  expect((await ground.verify()).first_difference).toMatchObject({
    projection: 'task',
    kind: 'changed',
    row: { task_id: row?.['task_id'] },
    column: 'status',
    expected: 'complete',
    found: 'cancelled',
  })
  expect(await health(ground)).toMatchObject({ status: 'degraded' })
  await set(row?.['status'])
  expect((await ground.verify('task')).differences).toEqual({})
  expect(await health(ground)).toMatchObject({ status: 'ok', projection_differences: [] })
})

test('a stream that cannot be read is said, and not taken for a difference', async () => {
  const ground = await startGround(database.url, {}, false)
  await query(
    database.url,
    `update event_commit set types = array_replace(types, 'task.completed', 'task.exploded')
      where (stream_id, seq) = (select stream_id, seq from event_commit where types @> array['task.completed'] limit 1)`,
  )
  expect(await ground.verify()).toMatchObject({
    state: 'done',
    differences: {},
    unreadable_streams: 1,
    first_unreadable: { message: expect.stringContaining('task.exploded') as string },
    not_compared: ['activity: a stream cannot be read to its end'],
  })
})
