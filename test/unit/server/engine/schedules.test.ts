/** Schedules in the engine: F1 to F3 of `server/src/engine/schedules/schedules.ts`. */
import { durationMs, instant, type Overlap, type ScheduleDefinition } from '@tasker/core'
import type { ScheduleInfo, ScheduleOrder } from '@tasker/server/internal/engine/api'
import { memoryLog, type MemoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import { PARTITIONS, SHOP, startTestEngine, Switchboard, type TestEngine } from '../../../support/engine.js'
import { definitionOf, every, scheduleEvents } from '../../../support/schedules.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const NAME = 'nightly'

const order = async (made: TestEngine, given: ScheduleOrder) => {
  const answer = await made.soon(made.engine.schedules.order(SHOP, NAME, given, 'tester'))
  await settled()
  return answer
}

const create = async (made: TestEngine, definition: ScheduleDefinition): Promise<void> => {
  await made.register('order', [{ name: 'a', timeoutS: 3_600 }])
  expect(await order(made, { type: 'create', definition, pausedNote: undefined })).toMatchObject({ type: 'done', changed: true })
}

const shown = (made: TestEngine): ScheduleInfo => {
  const info = made.engine.schedules.get(SHOP, NAME)
  if (info === undefined) throw new Error('there is no schedule')
  return info
}

/** The types of its events, and for how many tasks there are submissions in the log. */
const typesOf = (log: MemoryLog): readonly string[] =>
  scheduleEvents(log.written()).map(({ type }) => type.replace('schedule.', ''))
const tasksIn = (log: MemoryLog): number => log.written().filter(({ types }) => types[0] === 'task.submitted').length

const engineWith = async (overlap: Overlap = 'skip', seconds = 2): Promise<{ made: TestEngine; log: MemoryLog }> => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const made = await startTestEngine({ log })
  await create(made, definitionOf(every(seconds), overlap))
  return { made, log }
}

/** Times of the schedule pass; workers are silent meanwhile, and not for too long. */
const times = (made: TestEngine, count: number): Promise<void> => made.clock.advance(count * 2_000)

test('a task starts at each time of a schedule, with the context that the schedule says', async () => {
  const { made, log } = await engineWith()
  const worker = made.worker()
  await times(made, 1)
  expect(worker.command('a').task.submitted).toMatchObject({ name: 'order', context: '{"n":1}', initiator: 'schedule nightly' })
  await worker.workOff()
  await times(made, 1)
  await worker.workOff()
  expect(tasksIn(log)).toBe(2)
  expect(typesOf(log)).toEqual([
    'created',
    ...['fired', 'task_started', 'task_ended'],
    ...['fired', 'task_started', 'task_ended'],
  ])
  const { schedule, next } = shown(made)
  expect(schedule.counts).toEqual({ fired: 2, skipped: 0, missed: 0 })
  expect(schedule.lastFirings.map(({ outcome }) => outcome)).toEqual(['completed', 'completed'])
  expect(next).toHaveLength(10)
})

test('skip leaves out the times that come while a task runs, and says so', async () => {
  const { made, log } = await engineWith('skip')
  const worker = made.worker()
  await times(made, 3)
  expect(tasksIn(log)).toBe(1)
  expect(shown(made).schedule.lastSkips.map(({ reason }) => reason)).toEqual(['running', 'running'])
  await worker.workOff()
  await times(made, 1)
  expect(tasksIn(log)).toBe(2)
})

test('buffer_one keeps one time for the end of the task, buffer_all every one of them', async () => {
  const counts: number[] = []
  for (const overlap of ['buffer_one', 'buffer_all'] as const) {
    const { made, log } = await engineWith(overlap)
    const worker = made.worker()
    await times(made, 4)
    await order(made, { type: 'pause', note: 'enough' })
    expect(tasksIn(log)).toBe(1)
    await order(made, { type: 'resume', note: '' })
    await worker.workOff()
    await settled()
    await worker.workOff()
    counts.push(tasksIn(log))
  }
  expect(counts).toEqual([2, 4])
})

test('cancel_other cancels the task that runs and starts the last that waits when it is over', async () => {
  const { made, log } = await engineWith('cancel_other')
  const worker = made.worker()
  await times(made, 2)
  expect(worker.cancellations).toHaveLength(1)
  expect(tasksIn(log)).toBe(1)
  worker.result(worker.command('a'), { type: 'cancelled' })
  await settled()
  expect(tasksIn(log)).toBe(2)
  expect(shown(made).schedule.lastFirings.map(({ outcome }) => outcome)).toEqual(['cancelled', undefined])
})

test('allow starts tasks beside each other', async () => {
  const { made, log } = await engineWith('allow')
  made.worker()
  await times(made, 3)
  expect(tasksIn(log)).toBe(3)
  expect(shown(made).schedule.firings).toEqual([])
})

test('a paused schedule fires nothing, and the times of the pause are not made up for', async () => {
  const { made, log } = await engineWith()
  const worker = made.worker()
  await order(made, { type: 'pause', note: 'maintenance' })
  await times(made, 3.5)
  expect(tasksIn(log)).toBe(0)
  expect(shown(made).schedule.paused?.note).toBe('maintenance')
  await order(made, { type: 'resume', note: 'done' })
  expect(tasksIn(log)).toBe(0)
  await times(made, 1)
  expect(tasksIn(log)).toBe(1)
  await worker.workOff()
})

test('a trigger fires at once, also while the schedule is paused; a deleted schedule is gone, and its name free', async () => {
  const { made, log } = await engineWith()
  await order(made, { type: 'pause', note: '' })
  await order(made, { type: 'trigger' })
  expect(tasksIn(log)).toBe(1)
  await order(made, { type: 'delete' })
  expect(made.engine.schedules.list(undefined)).toEqual([])
  expect(await order(made, { type: 'trigger' })).toMatchObject({ fault: { reason: 'SCHEDULE_NOT_FOUND' } })
  const definition = definitionOf(every(10))
  expect(await order(made, { type: 'create', definition, pausedNote: undefined })).toMatchObject({ changed: true })
  await order(made, { type: 'trigger' })
  expect(tasksIn(log)).toBe(2)
})

test('a backfill makes up for a range, one task after another, and gives times that were fired no second task', async () => {
  const { made, log } = await engineWith('skip')
  const worker = made.worker()
  await times(made, 2)
  await worker.workOff()
  await times(made, 1)
  await worker.workOff()
  const before = tasksIn(log)
  const now = made.clock.now()
  const answer = await order(made, { type: 'backfill', fromAt: instant(now - 10_000), untilAt: now })
  expect(answer).toMatchObject({ type: 'done' })
  for (let n = 0; n < 10; n++) {
    await worker.workOff()
    await settled()
  }
  const wanted = new Set(
    scheduleEvents(log.written()).flatMap((event) => (event.type === 'schedule.fired' ? [event.firing] : [])),
  )
  expect(tasksIn(log)).toBe(wanted.size)
  expect(tasksIn(log)).toBeGreaterThan(before)
  expect(await order(made, { type: 'backfill', fromAt: now, untilAt: instant(now + 1) })).toMatchObject({
    fault: { reason: 'BACKFILL_INVALID' },
  })
})

test('a server that starts makes up for the times that came while there was none, as far as the window goes', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const clock = new VirtualClock()
  const first = await startTestEngine({ log, store, clock })
  await create(first, definitionOf(every(10), 'allow', { catchUpMs: durationMs(25_000) }))
  await first.soon(first.engine.stop())
  await clock.advance(100_000)
  const second = await startTestEngine({ log, store, clock })
  await clock.advance(100)
  expect(shown(second).schedule.counts).toEqual({ fired: 3, skipped: 0, missed: 7 })
  expect(tasksIn(log)).toBe(3)
})

test('a crash between a firing and its task gives the task at the next start, and only one', async () => {
  const board = new Switchboard()
  const log = memoryLog({ partitionCount: PARTITIONS, faults: board })
  const clock = new VirtualClock()
  const first = await startTestEngine({ log, clock })
  await create(first, definitionOf(every(10)))
  board.append = (rows) =>
    rows.some(({ commit }) => commit.types.includes('task.submitted')) ? { type: 'unavailable' } : { type: 'delivered' }
  await clock.advance(10_000)
  expect(typesOf(log)).toEqual(['created', 'fired'])
  expect(tasksIn(log)).toBe(0)
  board.up()
  await startTestEngine({ log, clock })
  await settled()
  expect(typesOf(log)).toEqual(['created', 'fired', 'task_started'])
  expect(tasksIn(log)).toBe(1)
  const third = await startTestEngine({ log, clock })
  const worker = third.worker()
  await clock.advance(10)
  await worker.workOff()
  await settled()
  expect(tasksIn(log)).toBe(1)
  expect(typesOf(log).at(-1)).toBe('task_ended')
})

test('a definition that cannot fire is refused with its problem and its place', async () => {
  const made = await startTestEngine()
  await made.register('order', [{ name: 'a' }])
  const refusalOf = async (definition: ScheduleDefinition) => order(made, { type: 'create', definition, pausedNote: undefined })
  const cron = { ...every(10), intervals: [], cron: ['61 * * * *'] }
  expect(await refusalOf(definitionOf(cron))).toMatchObject({
    fault: { reason: 'INVALID_CRON', errors: [{ path: '/spec/cron/0' }] },
  })
  expect(await refusalOf(definitionOf(every(10, { timeZone: 'Mars/Base' })))).toMatchObject({
    fault: { reason: 'UNKNOWN_TIME_ZONE' },
  })
  expect(await refusalOf(definitionOf({ ...every(10), intervals: [] }))).toMatchObject({ fault: { reason: 'INVALID_SCHEDULE' } })
  expect(
    await refusalOf({
      ...definitionOf(every(10)),
      task: { name: 'none', context: definitionOf(every(1)).task.context, tags: [] },
    }),
  ).toMatchObject({ fault: { reason: 'TEMPLATE_NOT_FOUND' } })
  expect(await refusalOf(definitionOf(every(10)))).toMatchObject({ type: 'done', changed: true })
  expect(await refusalOf(definitionOf(every(10)))).toMatchObject({ type: 'done', changed: false })
  expect(await refusalOf(definitionOf(every(20)))).toMatchObject({ fault: { reason: 'SCHEDULE_EXISTS' } })
})
