import { durationMs, type Json, jsonOf, parseTaskId, partitionOfTask, trustedJson } from '@tasker/core'
import { scopeOf, taskIdOf } from '@tasker/server/internal/engine/identity'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { describe, expect, test } from 'vitest'
import {
  PARTITIONS,
  requestId,
  startTestEngine,
  submissionOf,
  type TestEngine,
  type TestEngineOptions,
} from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const ONE_STEP = [{ name: 'a' }]

const worldWith = async (more: { readonly [field: string]: Json }, options: TestEngineOptions = {}): Promise<TestEngine> => {
  const world = await startTestEngine(options)
  await world.register('order', ONE_STEP, more)
  return world
}

const answered = async (world: TestEngine, n: number, fields: Parameters<typeof submissionOf>[1] = {}) => {
  const answers = world.submit(submissionOf(n, { context: jsonOf({ id: 'x' }), onDuplicate: 'reject', ...fields }))
  await settled()
  expect(answers).toHaveLength(1)
  return answers[0]
}

const created = async (...args: Parameters<typeof answered>): Promise<string> => {
  const answer = await answered(...args)
  if (answer?.type !== 'created') throw new Error(`not created: ${JSON.stringify(answer)}`)
  return answer.taskId
}

describe('the scope of a submission', () => {
  const rule = { strategy: 'strict', windowMs: undefined, whileRunning: false } as const
  const scope = (context: string, more: Parameters<typeof submissionOf>[1] = {}) =>
    scopeOf(submissionOf(1, { context: trustedJson(context), ...more }), rule)

  test('under strict is its context, however it is written, within namespace and name', () => {
    expect(scope('{"a":1,"b":[true,null]}')).toMatch(/^[0-9a-f]{64}$/)
    expect(scope('{ "b": [true, null], "a": 1.0 }')).toBe(scope('{"a":1,"b":[true,null]}'))
    expect(scope('{"a":1,"b":[null,true]}')).not.toBe(scope('{"a":1,"b":[true,null]}'))
    expect(scope('{}', { name: 'other' })).not.toBe(scope('{}'))
  })

  test('is the key alone when there is one, and a key never means a context', () => {
    expect(scope('{"a":1}', { idempotencyKey: 'k' })).toBe(scope('{"a":2}', { idempotencyKey: 'k' }))
    expect(scope('{}', { idempotencyKey: 'context' })).not.toBe(scope('{}'))
    expect(scopeOf(submissionOf(1), { ...rule, strategy: 'always_unique' })).toBeUndefined()
  })

  test('decides the partition, so that one owner decides about its duplicates', () => {
    const of = scope('{}')
    const partitions = Array.from({ length: 20 }, (_, n) => {
      const taskId = taskIdOf(submissionOf(n), of)
      if (taskId === undefined) throw new Error('no task id')
      return partitionOfTask(taskId, 64)
    })
    expect(new Set(partitions).size).toBe(1)
    expect(parseTaskId(requestId(1))).toBeDefined()
  })
})

describe('strict', () => {
  test('the same context is the same task, also by another version; another context is another', async () => {
    const world = await worldWith({ identity_strategy: 'strict' })
    const first = await created(world, 1)
    expect(await answered(world, 2)).toMatchObject({
      type: 'failed',
      fault: { reason: 'DUPLICATE_TASK', context: { task_id: first } },
    })
    expect(await answered(world, 3, { onDuplicate: 'return', context: trustedJson('{ "id":"x" }') })).toMatchObject({
      type: 'existing',
      taskId: first,
    })
    expect(await created(world, 4, { context: jsonOf({ id: 'y' }) })).not.toBe(first)
  })

  test('a key goes before the context', async () => {
    const world = await worldWith({ identity_strategy: 'strict' })
    await created(world, 1)
    const keyed = await created(world, 2, { idempotencyKey: 'k' })
    expect(await answered(world, 3, { idempotencyKey: 'k', context: jsonOf({ id: 'z' }) })).toMatchObject({
      fault: { reason: 'IDEMPOTENCY_MISMATCH', context: { task_id: keyed } },
    })
  })

  test('fifty at once make one task, and a new server knows it from the log alone', async () => {
    const log = memoryLog({ partitionCount: PARTITIONS })
    const world = await worldWith({ identity_strategy: 'strict' }, { log })
    const answers = Array.from({ length: 50 }, (_, n) => world.submit(submissionOf(n, { context: jsonOf({}) })))
    await settled()
    const given = answers.flat()
    expect(given.filter(({ type }) => type === 'created')).toHaveLength(1)
    const ids = new Set(given.map((answer) => (answer.type === 'failed' ? 'failed' : answer.taskId)))
    expect(ids.size).toBe(1)
    const second = await startTestEngine({ log, store: memoryStore() })
    expect(await answered(second, 99, { context: jsonOf({}), onDuplicate: 'return' })).toMatchObject({ taskId: [...ids][0] })
  })
})

describe('caller_provided', () => {
  test('a submission without a key is refused with the place, one with a key is taken', async () => {
    const world = await worldWith({ identity_strategy: 'caller_provided' })
    expect(await answered(world, 1)).toMatchObject({
      type: 'failed',
      fault: { code: 'INVALID_INPUT', reason: 'IDEMPOTENCY_KEY_REQUIRED', errors: [{ path: '/idempotency_key' }] },
    })
    await created(world, 1, { idempotencyKey: 'k' })
  })
})

describe('an identity that is let go', () => {
  test('with a window: a duplicate within it, another task after it, of which the identity then is', async () => {
    const world = await worldWith({ identity_strategy: 'strict', identity: { window_seconds: 60 } })
    const first = await created(world, 1)
    await world.clock.advance(59_999)
    expect(await answered(world, 2)).toMatchObject({ fault: { reason: 'DUPLICATE_TASK' } })
    await world.clock.advance(1)
    const second = await created(world, 3)
    expect(second).not.toBe(first)
    expect(await answered(world, 4, { onDuplicate: 'return' })).toMatchObject({ type: 'existing', taskId: second })
    await world.clock.advance(1_000)
    expect(await answered(world, 5, { onDuplicate: 'return' })).toMatchObject({ type: 'existing', taskId: second })
  })

  test('only while running: free when the task is over', async () => {
    const world = await worldWith({ identity: { while_running: true } })
    const first = await created(world, 1, { idempotencyKey: 'k' })
    expect(await answered(world, 2, { idempotencyKey: 'k' })).toMatchObject({ fault: { reason: 'DUPLICATE_TASK' } })
    const worker = world.worker()
    await settled()
    await worker.workOff()
    const second = await created(world, 3, { idempotencyKey: 'k', context: jsonOf({ another: 'context' }) })
    expect(second).not.toBe(first)
  })

  test('is taken by one of many who come at once, before and after it was projected', async () => {
    const log = memoryLog({ partitionCount: PARTITIONS })
    const store = memoryStore()
    const world = await worldWith({ identity_strategy: 'strict', identity: { while_running: true } }, { log, store })
    const worker = world.worker()
    const made = new Set<string>()
    for (let round = 0; round < 5; round++) {
      const answers = Array.from({ length: 20 }, (_, n) => world.submit(submissionOf(100 * round + n, { context: jsonOf({}) })))
      await settled()
      const ids = new Set(answers.flat().map((answer) => (answer.type === 'failed' ? 'failed' : answer.taskId)))
      expect(answers.flat().filter(({ type }) => type === 'created')).toHaveLength(1)
      expect(ids.size).toBe(1)
      for (const id of ids) made.add(id)
      await worker.workOff()
      if (round % 2 === 0) await world.clock.advance(1_000)
    }
    expect(made.size).toBe(5)
    await world.clock.advance(1_000)
    const rebuilt = memoryStore()
    await startTestEngine({ log, store: rebuilt })
    expect(rebuilt.dump().identities).toEqual(store.dump().identities)
  })

  test('a repeat of a request gives its own task, also when the identity is another’s by now', async () => {
    const world = await worldWith({ identity_strategy: 'strict', identity: { window_seconds: 1 } })
    const first = await created(world, 1)
    await world.clock.advance(2_000)
    const second = await created(world, 2)
    expect(await answered(world, 1)).toMatchObject({ type: 'existing', taskId: first })
    expect(await answered(world, 2)).toMatchObject({ type: 'existing', taskId: second })
  })

  test('while the log cannot be read, nothing is taken on a guess', async () => {
    const store = memoryStore()
    let away = false
    const world = await worldWith(
      { identity_strategy: 'strict', identity: { window_seconds: 1 } },
      { store: { ...store, identity: (scope) => (away ? Promise.reject(new Error('away')) : store.identity(scope)) } },
    )
    await created(world, 1)
    await world.clock.advance(durationMs(5_000))
    away = true
    expect(await answered(world, 2)).toMatchObject({ fault: { reason: 'DATABASE_UNAVAILABLE' } })
    away = false
    await created(world, 2)
  })
})
