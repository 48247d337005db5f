/** A step as people see it. */
import { durationMs, instantText, stepView, stepViewText, type LiveTask } from '@tasker/core'
import { expect, test } from 'vitest'
import {
  at,
  cancel,
  complete,
  fail,
  failure,
  permanently,
  plan,
  release,
  retryDue,
  start,
  step,
  submit,
  taskAfter,
} from '../../../support/given.js'

const pair = plan(step('a', { retry: { jitter: 0 } }), step('b "x"', { after: ['a'] }))
const text = (ms: number) => instantText(at(ms))

test('a step that nobody started has no attempts, no times and no worker', () => {
  const task = taskAfter(pair, submit())
  expect(stepView(task, 0)).toStrictEqual({ step_id: 'a', status: 'enqueued', attempts: 0, attempts_since_reset: 0 })
  expect(stepView(task, 1)).toStrictEqual({ step_id: 'b "x"', status: 'pending', attempts: 0, attempts_since_reset: 0 })
})

test('a running step names its worker and its start', () => {
  expect(stepView(taskAfter(pair, submit(), start('a', { at: 5 })), 0)).toStrictEqual({
    step_id: 'a',
    status: 'in_progress',
    attempts: 1,
    attempts_since_reset: 1,
    started_at: text(5),
    worker_id: 'w1',
  })
})

test('a step that waits for its retry says when and why', () => {
  const broken = failure('no "route"', { code: 'E1', retryAfterMs: durationMs(10), stack: 'at line 1' })
  expect(stepView(taskAfter(pair, submit(), start('a'), fail('a', broken, { at: 7 })), 0)).toStrictEqual({
    step_id: 'a',
    status: 'waiting_for_retry',
    attempts: 1,
    attempts_since_reset: 1,
    started_at: text(0),
    next_retry_at: text(1_007),
    last_failure: { message: 'no "route"', code: 'E1', error_type: 'RetryableError', retryable: true },
  })
})

test('a complete step keeps its first start, its end and the failure before', () => {
  const task = taskAfter(
    pair,
    submit(),
    start('a', { at: 1 }),
    fail('a', failure('first'), { at: 2 }),
    retryDue('a', { at: 1_002 }),
    start('a', { at: 1_003, attempt: 2, worker: 'w2' }),
    complete('a', '{}', { at: 1_004, attempt: 2, worker: 'w2' }),
  )
  expect(stepView(task, 0)).toStrictEqual({
    step_id: 'a',
    status: 'complete',
    attempts: 2,
    attempts_since_reset: 2,
    started_at: text(1),
    ended_at: text(1_004),
    last_failure: { message: 'first', error_type: 'RetryableError', retryable: true },
    worker_id: 'w2',
  })
})

test('a released start is an attempt that the policy does not count', () => {
  expect(stepView(taskAfter(pair, submit(), start('a'), release('a')), 0)).toMatchObject({
    status: 'enqueued',
    attempts: 1,
    attempts_since_reset: 0,
  })
})

test('a step cancelled before it started has no worker', () => {
  const view = stepView(taskAfter(pair, submit(), cancel(undefined, 9)), 0)
  expect(view).toStrictEqual({ step_id: 'a', status: 'cancelled', attempts: 0, attempts_since_reset: 0, ended_at: text(9) })
})

test('the text of a view is the view', () => {
  const histories: readonly LiveTask[] = [
    taskAfter(pair, submit()),
    taskAfter(pair, submit(), start('a', { worker: 'w "1"' })),
    taskAfter(pair, submit(), start('a'), fail('a', failure('no\n"route"', { code: 'E"1' }))),
    taskAfter(pair, submit(), start('a'), fail('a', permanently)),
    taskAfter(pair, submit(), start('a'), complete('a'), start('b "x"'), complete('b "x"')),
    taskAfter(pair, submit(), start('a'), cancel()),
  ]
  for (const task of histories) {
    for (const index of [0, 1]) expect(JSON.parse(stepViewText(task, index))).toStrictEqual(stepView(task, index))
  }
})
