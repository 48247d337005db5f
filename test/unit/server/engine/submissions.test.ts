import { jsonOf } from '@tasker/core'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import { gate, PARTITIONS, startTestEngine, submissionOf, Switchboard } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const ONE_STEP = [{ name: 'a' }]

test('a request that is repeated gives the same task, and the log holds one', async () => {
  const world = await startTestEngine()
  await world.register('order', ONE_STEP)
  const taskId = await world.submitted(submissionOf(1))
  const [repeat] = await world.soon(Promise.resolve(world.submit(submissionOf(1))))
  expect(repeat).toMatchObject({ type: 'existing', taskId })
  expect(await world.types(taskId)).toEqual(['task.submitted', 'steps.created', 'step.scheduled'])
})

test('a request id that comes again with another context is a mismatch', async () => {
  const world = await startTestEngine()
  await world.register('order', ONE_STEP)
  await world.submitted(submissionOf(1))
  const answers = world.submit(submissionOf(1, { context: jsonOf({ other: true }) }))
  await settled()
  expect(answers).toMatchObject([{ type: 'failed', fault: { reason: 'IDEMPOTENCY_MISMATCH' } }])
})

test('a request repeated after a restart gives the same task, however the context is spaced', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const first = await startTestEngine({ log })
  await first.register('order', ONE_STEP)
  const taskId = await first.submitted(submissionOf(1))
  const second = await startTestEngine({ log })
  const answers = second.submit(submissionOf(1, { context: jsonOf({ n: 1 }) }))
  await settled()
  expect(answers).toMatchObject([{ type: 'existing', taskId }])
})

test('fifty submissions with one key at once make one task', async () => {
  const world = await startTestEngine()
  await world.register('order', ONE_STEP)
  const answers = Array.from({ length: 50 }, (_, n) =>
    world.submit(submissionOf(n, { idempotencyKey: 'k', context: jsonOf({}) })),
  )
  await settled()
  const given = answers.flat()
  expect(given).toHaveLength(50)
  expect(given.filter(({ type }) => type === 'created')).toHaveLength(1)
  expect(new Set(given.map((answer) => (answer.type === 'failed' ? 'failed' : answer.taskId))).size).toBe(1)
})

test('a key that is used again with another context is a mismatch, and with another wish a duplicate that is named', async () => {
  const world = await startTestEngine()
  await world.register('order', ONE_STEP)
  const taskId = await world.submitted(submissionOf(1, { idempotencyKey: 'k', context: jsonOf({}) }))
  const other = world.submit(submissionOf(2, { idempotencyKey: 'k', context: jsonOf({ other: 1 }) }))
  const again = world.submit(submissionOf(3, { idempotencyKey: 'k', context: jsonOf({}), onDuplicate: 'reject' }))
  await settled()
  expect(other).toMatchObject([{ type: 'failed', fault: { reason: 'IDEMPOTENCY_MISMATCH' } }])
  expect(again).toMatchObject([{ type: 'failed', fault: { reason: 'DUPLICATE_TASK', context: { task_id: taskId } } }])
})

test('a key finds its task before it is projected, while it is, and after a restart', async () => {
  const writing = gate()
  let slow = false
  const store = memoryStore(() => (slow ? writing.passed : undefined))
  const log = memoryLog({ partitionCount: PARTITIONS })
  const world = await startTestEngine({ log, store })
  await world.register('order', ONE_STEP)
  await world.clock.advance(1_000)
  slow = true
  const keyed = (n: number) => submissionOf(n, { idempotencyKey: 'k', context: jsonOf({}) })
  const taskId = await world.submitted(keyed(1))
  expect(await world.submitted(keyed(2))).toBe(taskId)
  await world.clock.advance(150)
  expect(await world.submitted(keyed(3))).toBe(taskId)
  slow = false
  writing.open()
  await world.clock.advance(150)
  expect(await world.submitted(keyed(4))).toBe(taskId)
  const second = await startTestEngine({ log, store })
  expect(await second.submitted(keyed(5))).toBe(taskId)
})

test('a key that is projected while the store is asked for it is not missed', async () => {
  const reading = gate()
  const store = memoryStore()
  let asked = 0
  const slowly = {
    ...store,
    identity: async (scope: string) => {
      const found = await store.identity(scope)
      if (++asked === 2) await reading.passed
      return found
    },
  }
  const world = await startTestEngine({ store: slowly })
  await world.register('order', ONE_STEP)
  const keyed = (n: number) => submissionOf(n, { idempotencyKey: 'k', context: jsonOf({}) })
  const first = world.submit(keyed(1))
  const second = world.submit(keyed(2))
  await settled()
  await world.clock.advance(1_000)
  expect(store.dump().identities.size).toBe(1)
  reading.open()
  await settled()
  expect(first).toMatchObject([{ type: 'created' }])
  expect(second).toMatchObject([{ type: 'existing' }])
})

test('who waits when the log stays away is told that the outcome is open, and hears nothing else later', async () => {
  const faults = new Switchboard()
  const world = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  await world.register('order', ONE_STEP)
  faults.down()
  const answers = world.submit(submissionOf(1))
  await world.clock.advance(3_000)
  expect(answers).toMatchObject([{ type: 'failed', fault: { reason: 'SUBMISSION_UNCONFIRMED' } }])
  expect(world.submit(submissionOf(2))).toMatchObject([{ type: 'failed', fault: { reason: 'DATABASE_UNAVAILABLE' } }])
  faults.up()
  await world.clock.advance(3_000)
  expect(answers).toHaveLength(1)
  expect(await world.submitted(submissionOf(1))).toBeDefined()
})

test('an unconfirmed repeat of a task that the log holds is answered once', async () => {
  const faults = new Switchboard()
  const log = memoryLog({ partitionCount: PARTITIONS, faults })
  const store = memoryStore()
  const first = await startTestEngine({ log, store })
  await first.register('order', ONE_STEP)
  await first.submitted(submissionOf(1))
  await first.clock.advance(1_000)
  const second = await startTestEngine({ log, store })
  faults.down()
  const answers = second.submit(submissionOf(1))
  await second.clock.advance(3_000)
  faults.up()
  await second.clock.advance(3_000)
  expect(answers).toMatchObject([{ type: 'failed', fault: { reason: 'SUBMISSION_UNCONFIRMED' } }])
})

test('a key whose submission is unconfirmed still has its task: the next one with it makes no other', async () => {
  const faults = new Switchboard()
  const clock = new VirtualClock()
  const world = await startTestEngine({ clock, log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  await world.register('order', ONE_STEP)
  faults.append = () => ({ type: 'unknown', written: 'never' })
  faults.read = () => Promise.reject(new Error('the log is away'))
  const keyed = (n: number) => submissionOf(n, { idempotencyKey: 'k', context: jsonOf({}) })
  const first = world.submit(keyed(1))
  await clock.advance(3_000)
  expect(first).toMatchObject([{ type: 'failed', fault: { reason: 'SUBMISSION_UNCONFIRMED' } }])
  // The tail can be read again, so the engine answers; the commit itself is still on its way.
  const appending = gate()
  faults.up()
  faults.append = async () => {
    await appending.passed
    return { type: 'delivered' }
  }
  await clock.advance(600)
  const second = world.submit(keyed(2))
  await settled()
  appending.open()
  await clock.advance(1_000)
  expect(second).toMatchObject([{ type: 'existing' }])
})

test('a submission that the log refuses for its content is an error, and the next one is taken', async () => {
  const faults = new Switchboard()
  const world = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  await world.register('order', ONE_STEP)
  faults.append = (rows) =>
    rows.some(({ commit }) => commit.text.includes('poison')) ? { type: 'refused', message: 'poison' } : { type: 'delivered' }
  const refused = world.submit(submissionOf(1, { context: jsonOf({ poison: 1 }) }))
  const taken = world.submit(submissionOf(2))
  await settled()
  expect(refused).toMatchObject([{ type: 'failed', fault: { reason: 'COMMIT_REFUSED' } }])
  expect(taken).toMatchObject([{ type: 'created' }])
})

test('an unknown template, a wrong request id and a context that does not fit are refused', async () => {
  const world = await startTestEngine()
  await world.register('order', ONE_STEP)
  expect(world.submit(submissionOf(1, { name: 'other' }))).toMatchObject([
    { type: 'failed', fault: { reason: 'TEMPLATE_NOT_FOUND', hint: 'templates of namespace shop: order 1.0.0' } },
  ])
  expect(world.submit(submissionOf(1, { requestId: 'no ulid' }))).toMatchObject([
    { type: 'failed', fault: { errors: [{ path: '/request_id' }] } },
  ])
})

test('while the rows cannot be read, a submission with a key is turned away and one without is taken', async () => {
  const store = { ...memoryStore(), identity: () => Promise.reject(new Error('away')) }
  const world = await startTestEngine({ store })
  await world.register('order', ONE_STEP)
  const keyed = world.submit(submissionOf(1, { idempotencyKey: 'k' }))
  const plain = world.submit(submissionOf(2))
  await settled()
  expect(keyed).toMatchObject([{ type: 'failed', fault: { reason: 'DATABASE_UNAVAILABLE' } }])
  expect(plain).toMatchObject([{ type: 'created' }])
})

test('a result that comes while the repeat of its task’s request is in flight is recorded all the same', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const first = await startTestEngine({ log, store })
  await first.register('order', [{ name: 'a', timeoutS: 600 }])
  const before = first.worker()
  await first.submitted(submissionOf(1))
  const command = before.command('a')
  await first.clock.advance(1_000)
  const second = await startTestEngine({ log, store })
  const worker = second.worker({ id: before.id, running: [command] })
  expect(worker.session.forgotten).toEqual([])
  const answers = second.submit(submissionOf(1))
  worker.complete(command)
  await settled()
  expect(answers).toMatchObject([{ type: 'existing' }])
  expect(worker.acks).toMatchObject([{ status: 'recorded' }])
  expect(second.engine.workers()).toMatchObject([{ busy: 0 }])
})
