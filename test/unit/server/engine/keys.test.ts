/** Keys in the engine: P1 to P3 of `server/src/engine/keys/keys.ts`. */
import { durationMs, type TaskId } from '@tasker/core'
import type { KeyInfo } from '@tasker/server/internal/engine/api'
import { decodeKeyEvents } from '@tasker/server/internal/log/key-codec'
import { memoryLog, type MemoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import { keysHold } from '../../../simulation/invariants/places-of-keys.js'
import { PARTITIONS, SHOP, startTestEngine, submissionOf, Switchboard, type TestEngine } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

interface Keyed {
  readonly concurrency?: object
  readonly rate_limit?: object
  readonly fairness_key?: string
  readonly attempts?: number
}

const register = async (made: TestEngine, { fairness_key, attempts = 3, ...keys }: Keyed, name = 'order'): Promise<void> => {
  const retry = { retryable: attempts > 1, max_attempts: attempts, backoff: 'none', backoff_base_ms: 0, jitter: 0 }
  const steps = [{ name: 'a', handler: { callable: 'work' }, timeout_seconds: 60, retry, ...keys }]
  const content = JSON.stringify({ name, namespace_name: SHOP, version: '1.0.0', fairness_key, steps })
  const answer = await made.soon(made.engine.register(content, { replace: false, actor: 'tester' }))
  if (answer.type === 'failed') throw new Error(JSON.stringify(answer.fault))
}

const submitAll = async (made: TestEngine, count: number): Promise<TaskId[]> => {
  const ids: TaskId[] = []
  for (let n = 0; n < count; n++) ids.push(await made.submitted(submissionOf(n)))
  await settled()
  return ids
}

const only = (made: TestEngine): KeyInfo => {
  const [key, ...more] = made.engine.keys()
  if (key === undefined || more.length > 0) throw new Error(`not one key: ${JSON.stringify(made.engine.keys())}`)
  return key
}

const keyEvents = (log: MemoryLog): readonly string[] =>
  log
    .written()
    .filter(({ stream }) => stream.kind === 'key')
    .flatMap((commit) => decodeKeyEvents(commit).map((event) => (event.type === 'key.released' ? event.reason : event.type)))

test('no more attempts run at once than a key has places; the next starts when one ends', async () => {
  const made = await startTestEngine()
  await register(made, { concurrency: { key: 'shared', limit: 2 } })
  const worker = made.worker()
  const ids = await submitAll(made, 5)
  expect(worker.open.map(({ taskId }) => taskId)).toEqual(ids.slice(0, 2))
  expect(only(made)).toMatchObject({ namespace: SHOP, kind: 'concurrency', key: 'shared', limit: 2, held: 2, waiting: 3 })
  worker.complete(worker.open[0] ?? worker.command('a'))
  await settled()
  expect(worker.commands.map(({ taskId }) => taskId)).toEqual(ids.slice(0, 3))
  await worker.workOff()
  expect(made.engine.keys()).toEqual([])
  expect(await made.types(ids[4] ?? ('01'.padEnd(26, '0') as TaskId))).toContain('step.admitted')
})

test('an attempt that fails gives its place back and its next one asks again', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const made = await startTestEngine({ log })
  await register(made, { concurrency: { key: 'shared', limit: 1 } })
  const worker = made.worker()
  const [first, second] = await submitAll(made, 2)
  worker.fail(worker.command('a'))
  await settled()
  await made.clock.advance(100)
  expect(worker.commands.map(({ taskId }) => taskId)).toEqual([first, second])
  worker.complete(worker.command('a'))
  await settled()
  await made.clock.advance(100)
  expect(worker.commands.at(-1)).toMatchObject({ taskId: first, attempt: 2 })
  await worker.workOff()
  expect(keyEvents(log).filter((type) => type === 'key.granted')).toHaveLength(3)
  expect(keysHold(log.written())).toEqual([])
})

test('cancelling a task that waits for a key, or has a place and no worker, leaves no place taken', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const made = await startTestEngine({ log })
  await register(made, { concurrency: { key: 'shared', limit: 1 } })
  const [holder, waiter, last] = await submitAll(made, 3)
  expect(only(made).holders.map(({ taskId }) => taskId)).toEqual([holder])
  for (const id of [waiter, holder]) if (id !== undefined) await made.soon(made.cancel(id))
  await settled()
  expect(only(made).holders.map(({ taskId }) => taskId)).toEqual([last])
  // Who was cancelled while it waited is offered the place, and gives it back.
  expect(keyEvents(log)).toEqual(['key.granted', 'never_started', 'key.granted', 'never_started', 'key.granted'])
})

test('a place of a rate is taken until its time is over since the start, whenever the attempt ends', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const made = await startTestEngine({ log })
  await register(made, { rate_limit: { key: 'api', limit: 2, per: 10 } })
  const worker = made.worker()
  await submitAll(made, 5)
  expect(worker.commands).toHaveLength(2)
  const startedAt = made.clock.now()
  for (const command of worker.open) worker.complete(command)
  await settled()
  expect(only(made).holders.map(({ freeAt }) => freeAt)).toEqual([startedAt + 10_000, startedAt + 10_000])
  await made.clock.advance(9_900)
  expect(worker.commands).toHaveLength(2)
  await made.clock.advance(200)
  expect(worker.commands).toHaveLength(4)
  await worker.workOff()
  await made.clock.advance(21_000)
  await worker.workOff()
  await made.clock.advance(10_100)
  expect(worker.commands).toHaveLength(5)
  expect(keysHold(log.written())).toEqual([])
})

test('a step with both keys asks for the rate when it has its concurrency', async () => {
  const made = await startTestEngine()
  await register(made, { concurrency: { key: 'one', limit: 1 }, rate_limit: { key: 'api', limit: 5, per: 'minute' } })
  const worker = made.worker()
  const [id] = await submitAll(made, 2)
  expect(worker.open).toHaveLength(1)
  expect((id === undefined ? [] : await made.types(id)).filter((type) => type === 'step.admitted')).toHaveLength(2)
  expect(made.engine.keys().map(({ kind, held, waiting }) => [kind, held, waiting])).toEqual([
    ['concurrency', 1, 1],
    ['rate', 1, 0],
  ])
})

test('who waits for a key takes turns by fairness key, and goes by priority within one', async () => {
  const made = await startTestEngine()
  await register(made, { concurrency: { key: 'shared', limit: 1 }, fairness_key: '${context.tenant}' })
  const worker = made.worker()
  const tenants = [
    ['big', 0],
    ['big', 0],
    ['big', 5],
    ['small', 0],
  ] as const
  for (const [n, [tenant, priority]] of tenants.entries())
    await made.submitted(submissionOf(n, { context: JSON.stringify({ tenant, n }) as never, priority }))
  await worker.workOff()
  const order = worker.commands.map(({ task }) => JSON.parse(task.submitted.context) as { tenant: string; n: number })
  expect(order.map(({ n }) => n)).toEqual([0, 2, 3, 1])
})

test('a new server finds who has places, asks them, and lets nobody else in', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const clock = new VirtualClock()
  const first = await startTestEngine({ log, store, clock })
  await register(first, { concurrency: { key: 'shared', limit: 2 } })
  const before = first.worker({ slots: 1 })
  const ids = await submitAll(first, 4)
  await clock.advance(200)
  const [running] = before.open
  if (running === undefined) throw new Error('nothing runs')

  const second = await startTestEngine({ log, store, clock })
  const after = second.worker({ id: before.id, slots: 5, running: [running] })
  await settled()
  await clock.advance(100)
  expect(after.commands.map(({ taskId }) => taskId)).toEqual([ids[1]])
  expect(only(second)).toMatchObject({ held: 2, waiting: 2 })
  after.complete(running)
  await settled()
  await after.workOff()
  await clock.advance(200)
  await after.workOff()
  expect(second.engine.keys()).toEqual([])
  expect(keysHold(log.written())).toEqual([])
})

test('a holder whose word was lost is asked', async () => {
  const switchboard = new Switchboard()
  const log = memoryLog({ partitionCount: PARTITIONS, faults: switchboard })
  const made = await startTestEngine({ log })
  await register(made, { concurrency: { key: 'shared', limit: 1 } })
  const worker = made.worker()
  await submitAll(made, 2)
  // The commit that gives the place back is refused once: the key is read anew, and asks.
  let refused = 0
  switchboard.append = (rows) =>
    rows.some(({ commit }) => commit.types.includes('key.released')) && refused++ === 0
      ? { type: 'refused', message: 'not now' }
      : { type: 'delivered' }
  worker.complete(worker.command('a'))
  await settled()
  await made.clock.advance(durationMs(5_000))
  expect(refused).toBeGreaterThan(0)
  expect(worker.commands).toHaveLength(2)
  await worker.workOff()
  expect(made.engine.keys()).toEqual([])
  expect(keysHold(log.written())).toEqual([])
})

test('what the log would say of broken keys is found by the check of the simulation', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const made = await startTestEngine({ log })
  await register(made, { concurrency: { key: 'shared', limit: 1 } })
  const worker = made.worker()
  await submitAll(made, 1)
  expect(keysHold(log.written()).join()).toContain('I14')
  await worker.workOff()
  const written = log.written()
  expect(keysHold(written)).toEqual([])
  const without = (type: string) => written.filter(({ types }) => !types.includes(type))
  expect(keysHold(without('key.granted')).join()).toContain('I12')
  expect(keysHold(without('step.completed')).join()).toContain('I13')
  const [granted] = written.filter(({ types }) => types.includes('key.granted'))
  const other = granted && { ...granted, text: granted.text.replace('"attempt":1', '"attempt":2') }
  expect(keysHold(granted === undefined || other === undefined ? [] : [granted, other]).join()).toContain(
    '2 holders and a limit of 1',
  )
})
