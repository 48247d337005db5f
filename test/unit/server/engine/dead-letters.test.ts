/** Staleness, dead letters and queues without workers on a whole engine, on a virtual clock. */
import { durationMs, handlerName, type Json, type TaskId } from '@tasker/core'
import type { MemoryStore } from '@tasker/server/internal/projections/memory-store'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { afterEach, expect, test } from 'vitest'
import { PARTITIONS, SHOP, startTestEngine, submissionOf, type TestEngine } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const MINUTE = 60_000
const engines: TestEngine[] = []
const started = async (...options: Parameters<typeof startTestEngine>): Promise<TestEngine> => {
  const engine = await startTestEngine(...options)
  engines.push(engine)
  return engine
}
afterEach(async () => {
  for (const { engine, clock } of engines.splice(0)) {
    const stopped = engine.stop()
    await clock.advance(1_000)
    await stopped
  }
})

const registered = async (
  engine: TestEngine,
  fields: { readonly [name: string]: Json },
  step: { readonly [name: string]: Json } = {},
) => {
  const document = {
    name: 'order',
    namespace_name: SHOP,
    version: '1.0.0',
    steps: [{ name: 'a', handler: { callable: 'work' }, timeout_seconds: 86_400, ...step }],
    ...fields,
  }
  const answer = await engine.soon(engine.engine.register(JSON.stringify(document), { replace: false, actor: 'tester' }))
  if (answer.type === 'failed') throw new Error(JSON.stringify(answer.fault))
}

const lettersOf = async ({ engine }: TestEngine, taskId: TaskId) => (await engine.read(taskId))?.state.deadLetters.entries

test('a task goes stale by a timer that outlives the server', async () => {
  const clock = new VirtualClock()
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store: MemoryStore = memoryStore()
  const first = await started({ clock, log, store })
  await registered(first, { lifecycle: { max_steps_in_process_minutes: 10 } })
  const taskId = await first.submitted(submissionOf(1))
  await clock.advance(5 * MINUTE)
  expect(store.dump().timers).toMatchObject([{ taskId, kind: 'staleness', step: undefined }])
  const stopped = first.engine.stop()
  await clock.advance(1_000)
  await stopped
  const second = await started({ clock, log, store })
  await clock.advance(4 * MINUTE)
  expect(await lettersOf(second, taskId)).toEqual([])
  await clock.advance(2 * MINUTE)
  expect(await lettersOf(second, taskId)).toMatchObject([{ reason: 'staleness_timeout', status: 'pending' }])
  expect(store.dump().timers).toEqual([])
  expect(store.dump().deadLetters).toMatchObject([{ taskId, entry: 1, reason: 'staleness_timeout' }])
})

test('a server that was away gives handlers a minute to be heard before it calls a task stale', async () => {
  const clock = new VirtualClock()
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store: MemoryStore = memoryStore()
  const first = await started({ clock, log, store })
  await registered(first, { lifecycle: { max_steps_in_process_minutes: 5 } })
  const taskId = await first.submitted(submissionOf(1))
  await clock.advance(1_000)
  const stopped = first.engine.stop()
  await clock.advance(7 * MINUTE)
  await stopped
  const second = await started({ clock, log, store })
  await clock.advance(59_000)
  expect(await lettersOf(second, taskId)).toEqual([])
  await clock.advance(2_000)
  expect(await lettersOf(second, taskId)).toMatchObject([{ reason: 'staleness_timeout' }])
})

test('a step whose handler is heard is not stale, and one that falls silent is', async () => {
  const engine = await started()
  await registered(engine, { lifecycle: { max_steps_in_process_minutes: 10 } })
  const worker = engine.worker()
  const taskId = await engine.submitted(submissionOf(1))
  for (let heard = 0; heard < 5; heard++) {
    for (let silent = 0; silent < 4 * MINUTE; silent += 20_000) {
      worker.session.heard()
      await engine.clock.advance(20_000)
    }
    worker.session.progress(worker.command('a'), undefined)
  }
  expect(await lettersOf(engine, taskId)).toEqual([])
  for (let silent = 0; silent < 11 * MINUTE; silent += 20_000) {
    worker.session.heard()
    await engine.clock.advance(20_000)
  }
  expect(await lettersOf(engine, taskId)).toMatchObject([{ reason: 'staleness_timeout' }])
  worker.complete(worker.command('a'))
  await settled()
  expect(await lettersOf(engine, taskId)).toMatchObject([{ status: 'manually_resolved', resolvedBy: 'engine' }])
})

test('with the action error the task fails, its worker is told to stop, and callers hear of it', async () => {
  const engine = await started()
  await registered(engine, { lifecycle: { max_duration_minutes: 1, auto_fail_on_timeout: true } })
  const worker = engine.worker()
  const taskId = await engine.submitted(submissionOf(1))
  const outcomes: string[] = []
  engine.engine.awaitOutcome(taskId, ({ type }) => outcomes.push(type))
  for (let silent = 0; silent < 2 * MINUTE; silent += 20_000) {
    worker.session.heard()
    await engine.clock.advance(20_000)
  }
  expect(outcomes).toEqual(['ended_in_failure'])
  expect((await engine.types(taskId)).slice(-3)).toEqual(['task.went_stale', 'step.cancelled', 'task.failed'])
})

test('a queue that no worker offers is reported after five seconds, and no longer once one comes', async () => {
  const engine = await started()
  await registered(engine, {})
  await engine.submitted(submissionOf(1))
  const { watch } = engine.engine
  await engine.clock.advance(4_000)
  expect(watch.unservedQueues()).toEqual([])
  await engine.clock.advance(2_000)
  expect(watch.unservedQueues()).toMatchObject([{ namespace: 'shop', handler: 'work', waiting: 1 }])
  expect(watch.queueProblem(SHOP, handlerName('work'))?.waiting).toBe(1)
  expect(watch.queueProblem(SHOP, handlerName('other'))).toBeUndefined()
  engine.worker()
  await settled()
  expect(watch.unservedQueues()).toEqual([])
})

test('a step that no worker takes makes a dead letter after a while, which its start resolves', async () => {
  const store = memoryStore()
  const engine = await started({ store, settings: { workerUnavailableDeadLetterMs: durationMs(5 * MINUTE) } })
  await registered(engine, {})
  const taskId = await engine.submitted(submissionOf(1))
  await engine.clock.advance(5 * MINUTE - 1_000)
  expect(await lettersOf(engine, taskId)).toEqual([])
  await engine.clock.advance(3_000)
  expect(await lettersOf(engine, taskId)).toMatchObject([{ reason: 'worker_unavailable', status: 'pending' }])
  await engine.clock.advance(10 * MINUTE)
  expect(await engine.types(taskId)).toEqual(['task.submitted', 'steps.created', 'step.scheduled', 'task.dead_lettered'])
  engine.worker()
  await settled()
  expect(await lettersOf(engine, taskId)).toMatchObject([{ status: 'manually_resolved', resolvedBy: 'engine' }])
})

test('a queue that was without workers for a moment makes no dead letters of what has waited in it for long', async () => {
  const engine = await started({ settings: { workerUnavailableDeadLetterMs: durationMs(5 * MINUTE) } })
  await registered(engine, {})
  const busy = engine.worker({ slots: 1 })
  await engine.submitted(submissionOf(1))
  const waiting = await engine.submitted(submissionOf(2))
  for (let passed = 0; passed < 6 * MINUTE; passed += 20_000) {
    busy.session.heard()
    await engine.clock.advance(20_000)
  }
  busy.session.disconnected()
  await engine.clock.advance(30_000)
  expect(await lettersOf(engine, waiting)).toEqual([])
  await engine.clock.advance(40_000)
  expect(await lettersOf(engine, waiting)).toMatchObject([{ reason: 'worker_unavailable' }])
})

test('orders of a person are durable when they are answered, and their rows follow', async () => {
  const store = memoryStore()
  const engine = await started({ store })
  await registered(engine, {})
  const taskId = await engine.submitted(submissionOf(1))
  const opened = await engine.soon(engine.engine.order(taskId, { type: 'dead_letter', by: 'ann', notes: 'odd' }, 'tester'))
  expect(opened).toMatchObject({ type: 'done' })
  const again = await engine.soon(engine.engine.order(taskId, { type: 'dead_letter' }, 'tester'))
  expect(again).toMatchObject({ type: 'refused', refusal: { reason: 'DEAD_LETTER_PENDING' } })
  const order = { type: 'update_dead_letter', entry: 1, status: 'manually_resolved', notes: 'fine', by: 'ann' } as const
  expect(await engine.soon(engine.engine.order(taskId, order, 'tester'))).toMatchObject({ type: 'done' })
  await engine.clock.advance(1_000)
  expect(store.dump().deadLetters).toMatchObject([
    { taskId, entry: 1, reason: 'manual_dlq', status: 'manually_resolved', notes: 'fine', resolvedBy: 'ann' },
  ])
})
