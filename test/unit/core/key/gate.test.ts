/** Steps with keys: what they wait for, when they may start, and what becomes of their places. */
import {
  holdingOf,
  keyGate,
  keyOfQueue,
  keyQueue,
  type PlaceRef,
  parseTaskId,
  present,
  queueName,
  readyRows,
  stepId,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  admit,
  at,
  cancel,
  complete,
  fail,
  given,
  keyOf,
  plan,
  release,
  start,
  step,
  submit,
  taskAfter,
  type Order,
} from '../../../support/given.js'

const id = present(parseTaskId('01JGFJJZ00AAAAAAAAAAAAAAAA'), 'task id')
const both = plan(
  step('a', { keys: [keyOf('concurrency', 'order-${context.order}', 2), keyOf('rate', 'api', 5, 1_000)], retry: { jitter: 0 } }),
)
const order = { kind: 'concurrency', key: 'order-1' } as const
const admitted: readonly Order[] = [submit({ at: 1 }), admit('a', 'concurrency', 'order-1'), admit('a', 'rate', 'api')]

describe('a step with keys', () => {
  test('waits for its keys one after the other, in their queues, and then in that of its handler', () => {
    const queues = [1, 2, 3].map((count) => readyRows(id, taskAfter(both, ...admitted.slice(0, count))).map(({ queue }) => queue))
    expect(queues).toEqual([['concurrency order-1'], ['rate api'], ['handler Handlers.a']])
    const [row] = readyRows(id, taskAfter(both, submit({ at: 1 })))
    expect(row).toMatchObject({ gate: { limit: 2, perMs: undefined }, handler: 'Handlers.a', readyAt: at(1) })
    expect(readyRows(id, taskAfter(both, ...admitted))[0]).toMatchObject({ gate: undefined, readyAt: at(1) })
  })

  test('starts only with a place of each', () => {
    given(both, submit()).when(start('a')).thenRefused('STEP_NOT_READY')
    given(both, ...admitted.slice(0, 2))
      .when(start('a'))
      .thenRefused('STEP_NOT_READY')
    given(both, ...admitted)
      .when(start('a'))
      .thenTold('step.started a')
  })

  test('hears of a place once', () => {
    given(both, submit())
      .when(admit('a', 'concurrency', 'order-1'))
      .then({ type: 'step.admitted', step: stepId('a'), attempt: 1, ...order })
    given(both, ...admitted)
      .when(admit('a', 'concurrency', 'order-1'))
      .thenNothingNew()
    given(both, ...admitted, start('a'))
      .when(admit('a', 'rate', 'api'))
      .thenNothingNew()
  })

  test('is not admitted by another key, nor for another attempt, nor when it is over', () => {
    given(both, submit())
      .when(admit('a', 'concurrency', 'order-2'))
      .thenNothingNew()
    given(both, submit())
      .when(admit('a', 'concurrency', 'order-1', { attempt: 2 }))
      .thenRefused('STEP_NOT_READY')
    given(both, submit(), cancel())
      .when(admit('a', 'concurrency', 'order-1'))
      .thenRefused('TASK_FINISHED')
    given(both, submit())
      .when(admit('b', 'concurrency', 'order-1'))
      .thenRefused('UNKNOWN_STEP')
  })

  test('asks anew for its next attempt', () => {
    const again = taskAfter(both, ...admitted, start('a'), release('a'))
    expect(keyGate(again, 0)).toMatchObject(order)
    expect(again.steps[0]?.attempts).toBe(2)
  })
})

describe('a key without a value', () => {
  test('is the text as it is written', () => {
    const missing = plan(step('a', { keys: [keyOf('concurrency', 'tenant-${context.tenant}', 2)] }))
    expect(keyGate(taskAfter(missing, submit()), 0)?.key).toBe('tenant-${context.tenant}')
  })

  test('may read what the step depends on', () => {
    const named = plan(step('a'), step('b', { after: ['a'], keys: [keyOf('concurrency', '${deps.a.region}-${task.name}')] }))
    const task = taskAfter(named, submit(), start('a'), complete('a', '{"region":"eu\\ud800\\u0000"}'))
    expect(keyGate(task, 1)?.key).toBe('eu\ufffd\u2400-order')
  })
})

describe('what a task says of a place', () => {
  const place = (attempt: number): PlaceRef => ({ taskId: id, step: stepId('a'), attempt })
  const says = (history: readonly Order[], attempt = 1) => holdingOf(taskAfter(both, ...history), place(attempt), order)

  test('an attempt that waits for the key has not heard of it, one that waits for something else has', () => {
    expect(says(admitted.slice(0, 1))).toEqual({ type: 'unaware' })
    expect(says(admitted.slice(0, 2))).toEqual({ type: 'waiting' })
    expect(says(admitted)).toEqual({ type: 'waiting' })
  })

  test('a running attempt needs it', () => {
    expect(says([...admitted, start('a', { at: 7 })])).toEqual({ type: 'running', since: at(7) })
  })

  test.each([
    ['completed', [complete('a', '{}', { at: 9 })]],
    ['failed and will be tried again', [fail('a', undefined, { at: 9 })]],
  ])('an attempt that %s does not', (_how, end) => {
    expect(says([...admitted, start('a', { at: 7 }), ...end])).toEqual({ type: 'over', started: true, by: at(9) })
  })

  test('one that never ran says so', () => {
    expect(says([submit({ at: 1 }), cancel(undefined, 3)])).toEqual({ type: 'over', started: false, by: at(3) })
    expect(says(admitted, 2)).toMatchObject({ type: 'over', started: false })
    expect(holdingOf(taskAfter(both, submit()), { ...place(1), step: stepId('x') }, order)).toMatchObject({ type: 'over' })
  })
})

test('a queue of a key is told from one of a handler by its name', () => {
  expect(keyOfQueue(keyQueue({ kind: 'rate', key: 'handler x' }))).toEqual({ kind: 'rate', key: 'handler x' })
  expect(keyOfQueue(queueName('handler concurrency x'))).toBeUndefined()
})
