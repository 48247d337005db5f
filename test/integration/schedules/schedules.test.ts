/** Schedules at every door: a real server on a real PostgreSQL, asked over REST, gRPC, the SDK and the command line. */
import { ScheduleOverlap, type Schedule } from '@tasker/proto'
import { defineTask } from '@tasker/sdk'
import { SCHEDULE, SCHEDULE_LIST } from '@tasker/server/internal/rest/schema/schedule'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../support/until.js'
import { tasker } from '../cli/processes.js'
import { call, type EveryDoor, openEveryDoor } from '../sdk/every-door.js'

const PATIENCE_MS = 20_000
const NAMESPACE = 'clockwork'

let doors: EveryDoor
const seen: unknown[] = []

const report = defineTask('report', { namespace: NAMESPACE, version: '1.0.0' }).step('write', ({ input }) => {
  seen.push(input)
  return 'written'
})

beforeAll(async () => {
  doors = await openEveryDoor()
  doors.work(NAMESPACE, report)
  const handle = await doors.client.submit(report, {})
  await handle.result()
})
afterAll(async () => {
  await doors.endWorkers()
  await doors.close()
})

const read = async (name: string) => SCHEDULE.parse(await (await doors.rest('GET', `/v1/schedules/${NAMESPACE}/${name}`)).json())

const cli = (...args: readonly string[]) => tasker(['schedule', ...args], { TASKER_URL: doors.restUrl })

test('REST: a schedule starts tasks, is paused, resumed, edited and deleted', async () => {
  const body = {
    namespace: NAMESPACE,
    name: 'often',
    spec: { intervals: [{ every_ms: 1_000 }] },
    task: { name: 'report' },
    context: { from: 'rest' },
  }
  expect((await doors.rest('POST', '/v1/schedules', body)).status).toBe(201)
  expect((await doors.rest('POST', '/v1/schedules', body)).status).toBe(200)
  expect((await doors.rest('POST', '/v1/schedules', { ...body, overlap: 'allow' })).status).toBe(409)
  const fired = await until('a task of it is over', PATIENCE_MS, async () => {
    const schedule = await read('often')
    return schedule.last_firings.some(({ outcome }) => outcome === 'completed') ? schedule : undefined
  })
  expect(seen).toContainEqual({ from: 'rest' })
  const task = await doors.rest('GET', `/v1/tasks/${fired.last_firings.at(-1)?.task_id ?? ''}`)
  expect(await task.json()).toMatchObject({ name: 'report', initiator: 'schedule often', context: { from: 'rest' } })
  expect((await doors.rest('POST', `/v1/schedules/${NAMESPACE}/often/pause`, { note: 'too often' })).status).toBe(200)
  expect(await read('often')).toMatchObject({ paused: true, note: 'too often' })
  expect((await doors.rest('POST', `/v1/schedules/${NAMESPACE}/often/resume`)).status).toBe(200)
  const edit = { spec: { cron: ['0 3 * * *'], time_zone: 'Europe/Berlin' }, task: { name: 'report' }, overlap: 'buffer_one' }
  expect((await doors.rest('PUT', `/v1/schedules/${NAMESPACE}/often`, edit)).status).toBe(200)
  expect(await read('often')).toMatchObject({ paused: false, overlap: 'buffer_one', spec: { time_zone: 'Europe/Berlin' } })
  expect((await doors.rest('DELETE', `/v1/schedules/${NAMESPACE}/often`)).status).toBe(204)
  expect((await doors.rest('GET', `/v1/schedules/${NAMESPACE}/often`)).status).toBe(404)
})

test('REST: what cannot be is refused with its reason and its place', async () => {
  const refusal = async (spec: object, task = 'report') => {
    const body = { namespace: NAMESPACE, name: 'bad', spec, task: { name: task } }
    return (await doors.rest('POST', '/v1/schedules', body)).json()
  }
  expect(await refusal({ cron: ['99 * * * *'] })).toMatchObject({
    status: 422,
    reason: 'INVALID_CRON',
    errors: [{ path: '/spec/cron/0' }],
  })
  expect(await refusal({ cron: ['* * * * *'], time_zone: 'Nowhere/Land' })).toMatchObject({ reason: 'UNKNOWN_TIME_ZONE' })
  expect(await refusal({})).toMatchObject({ reason: 'INVALID_SCHEDULE' })
  expect(await refusal({ cron: ['* * * * *'] }, 'nothing')).toMatchObject({ status: 404, reason: 'TEMPLATE_NOT_FOUND' })
})

test('SDK: created paused, triggered by hand, listed, filled up for a range, and deleted', async () => {
  const { schedules } = doors.client
  const where = { namespace: NAMESPACE }
  const created = await schedules.create(
    'hourly',
    { task: report, input: { from: 'sdk' }, every: '1h', jitter: '5m', overlap: 'allow' },
    { ...where, pausedWith: 'not yet' },
  )
  expect(created).toMatchObject({ paused: { note: 'not yet' }, overlap: 'allow', task: { input: { from: 'sdk' } } })
  await schedules.trigger('hourly', where)
  const state = await until('the trigger has its task', PATIENCE_MS, async () => {
    const one = await schedules.get('hourly', where)
    return one.lastFirings[0]?.taskId === undefined ? undefined : one
  })
  expect(state.lastFirings[0]).toMatchObject({ firing: 'trigger-1', by: 'trigger' })
  await doors.client.task(state.lastFirings[0]?.taskId ?? '').result()
  const now = Date.now()
  const range = { from: new Date(now - 2 * 3_600_000), until: new Date(now) }
  expect((await schedules.backfill('hourly', range, where)).fired).toBe(3)
  expect((await schedules.list(where)).map(({ name }) => name)).toEqual(['hourly'])
  await schedules.delete('hourly', where)
  await expect(schedules.get('hourly', where)).rejects.toMatchObject({ reason: 'SCHEDULE_NOT_FOUND' })
})

test('gRPC: the definition comes back as it was given', async () => {
  const definition = {
    spec: {
      cron: ['0 0 3 * * *'],
      intervals: [],
      calendars: [{ months: [], daysOfMonth: [1], weekdays: [], hours: [9], minutes: [], seconds: [] }],
      timeZone: 'America/New_York',
      jitterMs: 1_000,
      startAtMs: 0,
      endAtMs: 0,
    },
    task: {
      name: 'report',
      version: '1.0.0',
      context: { encoding: '', data: Buffer.from('{"n":1.0}') },
      tags: ['t'],
      priority: 3,
    },
    overlap: ScheduleOverlap.SCHEDULE_OVERLAP_CANCEL_OTHER,
    catchUpWindowMs: 60_000,
  }
  const request = { namespace: NAMESPACE, name: 'exact', definition, paused: false, note: '' }
  const created = await call<Schedule>((answer) => doors.schedules.createSchedule(request, answer))
  expect(created.definition).toEqual(definition)
  expect(created.next).toHaveLength(10)
  const ref = { namespace: NAMESPACE, name: 'exact' }
  await call((answer) => doors.schedules.pauseSchedule({ ...ref, note: 'n' }, answer))
  const resumed = await call<Schedule>((answer) => doors.schedules.resumeSchedule({ ...ref, note: '' }, answer))
  expect(resumed.paused).toBe(false)
  await call((answer) => doors.schedules.deleteSchedule(ref, answer))
})

test('the command line: every order, and a screen that says what comes next and what was left out', async () => {
  const name = `${NAMESPACE}/nightly`
  const definition = ['--task', 'report', '--cron', '0 3 * * *', '--time-zone', 'Europe/Berlin', '--overlap', 'buffer_all']
  expect(await cli('create', name, ...definition, '--context', '{"from":"cli"}')).toMatchObject({ exitCode: 0 })
  expect((await cli('list', '--namespace', NAMESPACE)).out).toContain('0 3 * * *')
  expect((await cli('pause', name, '--note', 'moved')).out).toContain('is paused')
  expect((await cli('get', name)).out).toContain('paused: moved')
  expect(await cli('resume', name)).toMatchObject({ exitCode: 0 })
  expect(await cli('trigger', name)).toMatchObject({ exitCode: 0 })
  await until('the triggered task is over', PATIENCE_MS, async () =>
    (await read('nightly')).last_firings[0]?.outcome === 'completed' ? true : undefined,
  )
  const shown = await cli('get', name)
  expect(shown.out).toMatch(/trigger-1 {2}by trigger at .* completed/)
  expect(await cli('backfill', name, '--from', '2026-01-01T00:00:00Z', '--until', '2026-01-03T00:00:00Z')).toMatchObject({
    exitCode: 0,
  })
  await until('both nights are made up for', PATIENCE_MS, async () =>
    (await read('nightly')).last_firings.filter(({ outcome }) => outcome === 'completed').length === 3 ? true : undefined,
  )
  expect(await cli('edit', name, '--task', 'report', '--every', '2h')).toMatchObject({ exitCode: 0 })
  expect(await read('nightly')).toMatchObject({ spec: { cron: [], intervals: [{ every_ms: 7_200_000, phase_ms: 0 }] } })
  expect(await cli('delete', name)).toMatchObject({ exitCode: 0 })
  expect(await cli('get', name)).toMatchObject({ exitCode: 1 })
  expect((await cli('create', name, '--task', 'report', '--cron', 'never')).err).toContain('INVALID_CRON')
  const list = SCHEDULE_LIST.parse(await (await doors.rest('GET', `/v1/schedules?namespace=${NAMESPACE}`)).json())
  expect(list.schedules).toEqual([])
})

test('a delay at the submission keeps a task from starting for so long, over every door', async () => {
  const delayed = await doors.client.submit(report, {}, { delay: '1h' })
  expect((await delayed.state()).status).toBe('scheduled')
  const body = { namespace: NAMESPACE, name: 'report', context: {}, delay_ms: 60_000 }
  const task = await (await doors.rest('POST', '/v1/tasks', body)).json()
  expect(task).toMatchObject({ status: 'scheduled' })
  const both = { ...body, run_at: '2030-01-01T00:00:00Z' }
  expect((await doors.rest('POST', '/v1/tasks', both)).status).toBe(422)
  const said = await tasker(['task', 'submit', `${NAMESPACE}/report`, '--delay', '10m', '--json'], { TASKER_URL: doors.restUrl })
  expect(JSON.parse(said.out)).toMatchObject({ status: 'scheduled' })
})

test('rows of schedules are what the log says, and can be built anew', async () => {
  const projection = (...args: readonly string[]) => tasker(['projection', ...args, '--json'], { TASKER_URL: doors.restUrl })
  expect(await projection('rebuild', 'schedule')).toMatchObject({ exitCode: 0 })
  expect(await projection('verify', 'schedule')).toMatchObject({ exitCode: 0 })
})
