/** `npm start`: the main job from nothing to its result, twice, and nothing left behind. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { gone, isThere, type Line, type Standing, start, tasker, textOf } from './processes.js'

const dataDir = mkdtempSync(join(tmpdir(), 'tasker-start-'))
const killedDir = mkdtempSync(join(tmpdir(), 'tasker-start-'))
let running: Standing | undefined

const demo = async (folder = dataDir): Promise<Standing> => {
  running = await start(['demo', '--rest-port', '0', '--grpc-port', '0', '--data-dir', folder])
  return running
}

afterEach(async () => {
  await running?.end('SIGTERM')
  running = undefined
}, 60_000)

afterAll(() => {
  for (const folder of [dataDir, killedDir]) rmSync(folder, { recursive: true, force: true })
})

const membersOf = (run: Standing, name: string): readonly Line[] =>
  run.lines.flatMap((line) => {
    const value = line[name]
    return typeof value === 'object' && value !== null ? [{ ...value }] : []
  })

const everythingGone = async ({ ready, pid }: Standing): Promise<void> => {
  for (const one of [pid, ready['worker_pid'], ready['database_pid']]) await gone(one)
}

test('the order is fulfilled with one retry, and a second start finds the history of the first', async () => {
  const first = await demo()
  const firstTask = textOf(first.ready, 'task_id')
  const events = membersOf(first, 'event')
  expect(events.map(({ type }) => type)).toContain('step.retry_scheduled')
  expect(events.at(-1)?.['type']).toBe('task.completed')
  expect(membersOf(first, 'result')).toMatchObject([{ task_id: firstTask, status: 'complete' }])
  expect(membersOf(first, 'earlier')).toEqual([{ count: 0, more: false, tasks: [] }])
  expect(isThere(first.ready['worker_pid'])).toBe(true)
  expect(await first.end('SIGINT')).toBe(0)
  await everythingGone(first)

  const second = await demo()
  expect(membersOf(second, 'earlier')).toEqual([{ count: 1, more: false, tasks: [firstTask] }])
  const twin = await tasker(['dev', '--rest-port', '0', '--grpc-port', '0', '--data-dir', dataDir])
  expect(twin.exitCode).toBe(1)
  expect(twin.err).toContain('EMBEDDED_DATABASE_FAILED')
  const history = await tasker(['task', 'history', firstTask, '--json'], { TASKER_URL: textOf(second.ready, 'rest_url') })
  expect(JSON.parse(history.out)).toEqual(events)
  expect(await second.end('SIGTERM')).toBe(0)
  await everythingGone(second)
}, 180_000)

test('killed without warning, it leaves no worker and no database behind', async () => {
  const run = await demo(killedDir)
  await run.end('SIGKILL')
  await everythingGone(run)
}, 120_000)
