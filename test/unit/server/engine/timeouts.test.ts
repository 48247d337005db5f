/** The times of steps in a whole engine: signs of life, waits for a worker, and the time over all attempts, through pauses and restarts. */
import { jsonOf } from '@tasker/core'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import {
  commitsOf,
  PARTITIONS,
  startTestEngine,
  submissionOf,
  type TestEngine,
  type TestEngineOptions,
} from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

type Times = Readonly<Record<string, number>>

const world = async (times: Times, attempts = 3, options: TestEngineOptions = {}): Promise<TestEngine> => {
  const made = await startTestEngine(options)
  await made.register('order', [{ name: 'a', timeoutS: 600, attempts, more: times }])
  return made
}

const kinds = async (made: TestEngine, taskId: Parameters<typeof commitsOf>[1]): Promise<readonly string[]> =>
  (await commitsOf(made.log, taskId)).flatMap(({ text }) => [...text.matchAll(/"kind":"(\w+)"/g)].map(([, kind]) => kind ?? ''))

test('a handler that is silent too long loses its attempt, its worker is told, and the next attempt begins', async () => {
  const made = await world({ heartbeat_seconds: 2 })
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  await made.clock.advance(1_900)
  expect(await made.types(taskId)).not.toContain('step.timed_out')
  await made.clock.advance(200)
  expect(await kinds(made, taskId)).toEqual(['heartbeat'])
  expect(worker.cancellations).toMatchObject([{ step: 'a', attempt: 1 }])
  await made.clock.advance(500)
  expect(worker.commands.map(({ attempt }) => attempt)).toEqual([1, 2])
  worker.complete(worker.command('a'))
  await settled()
  expect((await made.types(taskId)).at(-1)).toBe('task.completed')
})

test('a handler that keeps saying that it is alive keeps its attempt; a checkpoint says so too', async () => {
  const made = await world({ heartbeat_seconds: 2 })
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  const command = worker.command('a')
  for (let n = 0; n < 6; n++) {
    await made.clock.advance(1_500)
    worker.session.progress(command, undefined)
  }
  await made.clock.advance(1_500)
  worker.result(command, { type: 'checkpoint', number: 1, cursor: jsonOf(1), itemsProcessed: 1 })
  await made.clock.advance(1_500)
  expect(await made.types(taskId)).not.toContain('step.timed_out')
  await made.clock.advance(600)
  expect(await kinds(made, taskId)).toEqual(['heartbeat'])
})

test('signs of life of another worker count for nothing', async () => {
  const made = await world({ heartbeat_seconds: 2 })
  const worker = made.worker({ slots: 1 })
  const other = made.worker({ handlers: ['other'] })
  const taskId = await made.submitted(submissionOf(1))
  await made.clock.advance(1_500)
  other.session.progress(worker.command('a'), undefined)
  await made.clock.advance(600)
  expect(await kinds(made, taskId)).toEqual(['heartbeat'])
})

test('after a restart the silence of an attempt that came back is counted anew, and still ends it', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const first = await world({ heartbeat_seconds: 4 }, 1, { log, store })
  const worker = first.worker()
  const taskId = await first.submitted(submissionOf(1))
  await first.clock.advance(3_000)
  const second = await startTestEngine({ log, store, clock: first.clock })
  await second.clock.advance(3_000)
  second.worker({ id: worker.id, running: [worker.command('a')] })
  await second.clock.advance(3_500)
  expect(await second.types(taskId)).not.toContain('step.timed_out')
  await second.clock.advance(5_000)
  expect(await kinds(second, taskId)).toEqual(['heartbeat'])
  expect((await second.types(taskId)).at(-1)).toBe('task.blocked')
})

test('a step that no worker takes in time fails for good, and nobody is given it afterwards', async () => {
  const made = await world({ schedule_to_start_seconds: 30 })
  const taskId = await made.submitted(submissionOf(1))
  await made.clock.advance(29_900)
  expect(await made.types(taskId)).not.toContain('step.timed_out')
  await made.clock.advance(200)
  expect((await made.types(taskId)).slice(-2)).toEqual(['step.timed_out', 'task.blocked'])
  expect(await kinds(made, taskId)).toEqual(['schedule_to_start'])
  const late = made.worker()
  await settled()
  expect(late.commands).toEqual([])
})

test('a worker that comes in time runs it, however long that takes', async () => {
  const made = await world({ schedule_to_start_seconds: 30 })
  const taskId = await made.submitted(submissionOf(1))
  await made.clock.advance(29_000)
  const worker = made.worker()
  await settled()
  await made.clock.advance(60_000)
  worker.complete(worker.command('a'))
  await settled()
  expect(await made.types(taskId)).not.toContain('step.timed_out')
})

test('waiting stands still while the task is paused, and the timers follow', async () => {
  const made = await world({ schedule_to_start_seconds: 30 })
  const taskId = await made.submitted(submissionOf(1))
  await made.clock.advance(20_000)
  await made.soon(made.engine.order(taskId, { type: 'pause' }, 'ops'))
  await made.clock.advance(100_000)
  expect(await made.types(taskId)).not.toContain('step.timed_out')
  await made.soon(made.engine.order(taskId, { type: 'resume' }, 'ops'))
  await made.clock.advance(9_900)
  expect(await made.types(taskId)).not.toContain('step.timed_out')
  await made.clock.advance(200)
  expect(await kinds(made, taskId)).toEqual(['schedule_to_start'])
})

test('the time over all attempts ends a running attempt for good, and frees its slot', async () => {
  const made = await world({ schedule_to_close_seconds: 10 })
  const worker = made.worker({ slots: 1 })
  const taskId = await made.submitted(submissionOf(1))
  await made.clock.advance(4_000)
  worker.fail(worker.command('a'))
  await made.clock.advance(5_900)
  expect(worker.commands.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(await made.types(taskId)).not.toContain('step.timed_out')
  await made.clock.advance(200)
  expect(await kinds(made, taskId)).toEqual(['schedule_to_close'])
  expect((await made.types(taskId)).at(-1)).toBe('task.blocked')
  expect(worker.cancellations).toMatchObject([{ step: 'a', attempt: 2 }])
  expect(made.engine.workers().map(({ busy }) => busy)).toEqual([0])
})

test('waits that ran out while no server ran are over at once, and those that did not go on', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const first = await world({ schedule_to_start_seconds: 90 }, 3, { log, store })
  const early = await first.submitted(submissionOf(1))
  await first.clock.advance(60_000)
  const late = await first.submitted(submissionOf(2))
  await first.clock.advance(1_000)
  first.clock.jumpWall(40_000)
  const second = await startTestEngine({ log, store, clock: first.clock })
  await second.clock.advance(100)
  expect(await kinds(second, early)).toEqual(['schedule_to_start'])
  expect(await kinds(second, late)).toEqual([])
  await second.clock.advance(60_000)
  expect(await kinds(second, late)).toEqual(['schedule_to_start'])
})
