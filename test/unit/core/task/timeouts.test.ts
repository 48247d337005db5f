/** The times of a step: between two signs of life, until a worker takes it, and over all its attempts. */
import { durationMs, parseTaskId, present, stepId, timerRows, workerId } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  byHand,
  cancel,
  complete,
  fail,
  failure,
  given,
  order,
  plan,
  release,
  retryDue,
  start,
  step,
  submit,
  taskAfter,
  timeOut,
} from '../../../support/given.js'

const a = stepId('a')
const exact = { jitter: 0 }
const id = present(parseTaskId('01JGFJJZ00AAAAAAAAAAAAAAAA'), 'an id')
const after = { retry: exact, timeoutMs: 60_000 }

describe('heartbeats', () => {
  const heard = plan(step('a', { ...after, more: { heartbeatMs: durationMs(500) } }), step('b', { after: ['a'] }))
  const running = given(heard, submit(), start('a', { at: 100 }))

  test('a silent attempt is over, and the policy decides about another', () =>
    running
      .when(timeOut('a', { at: 700 }, 'heartbeat'))
      .then(
        { type: 'step.timed_out', kind: 'heartbeat', step: a, attempt: 1, timeoutMs: durationMs(500), permanent: false },
        { type: 'step.retry_scheduled', step: a, attempt: 2, dueAt: at(1_700), delayMs: durationMs(1_000) },
      ))
  test('the silence of the last attempt blocks the task', () =>
    given(plan(step('a', { retry: { maxAttempts: 1 }, more: { heartbeatMs: durationMs(500) } })), submit(), start('a'))
      .when(timeOut('a', { at: 500 }, 'heartbeat'))
      .thenTold('step.timed_out a', 'task.blocked'))
  test('a template may name silence as permanent', () =>
    given(
      plan(step('a', { retry: { nonRetryableErrors: ['HEARTBEAT_TIMED_OUT'] }, more: { heartbeatMs: durationMs(500) } })),
      submit(),
      start('a'),
    )
      .when(timeOut('a', { at: 500 }, 'heartbeat'))
      .thenTold('step.timed_out a', 'task.blocked'))
  test('an attempt that is over, or need not be heard, is not silent', () => {
    given(heard, submit(), start('a'), complete('a'))
      .when(timeOut('a', {}, 'heartbeat'))
      .thenRefused('LEASE_LOST')
    given(heard, submit(), start('a'), complete('a'), start('b'))
      .when(timeOut('b', {}, 'heartbeat'))
      .thenRefused('LEASE_LOST')
  })
  test('the rows say which attempts must be heard of, and how often', () => {
    const row = { taskId: id, step: a, attempt: 1, worker: workerId('w1') }
    expect(timerRows(id, taskAfter(heard, submit(), start('a', { at: 100 })))).toStrictEqual([
      { ...row, kind: 'step_timeout', dueAt: at(60_100) },
      { ...row, kind: 'heartbeat', dueAt: at(60_600) },
    ])
  })
})

describe('schedule to start', () => {
  const waiting = plan(step('a', { ...after, more: { scheduleToStartMs: durationMs(500) } }), step('b', { after: ['a'] }))
  const ready = given(waiting, submit())

  test('a step that no worker took in time has failed for good', () =>
    ready
      .when(timeOut('a', { at: 500 }, 'schedule_to_start'))
      .then(
        { type: 'step.timed_out', kind: 'schedule_to_start', step: a, attempt: 1, timeoutMs: durationMs(500), permanent: true },
        { type: 'task.blocked', steps: [a] },
      ))
  test('its failure says so, and no attempt was spent', () =>
    expect(taskAfter(waiting, submit(), timeOut('a', { at: 500 }, 'schedule_to_start')).steps[0]).toMatchObject({
      status: 'error',
      attemptsSinceReset: 0,
      worker: undefined,
      lastFailure: { code: 'SCHEDULE_TO_START_TIMED_OUT', retryable: false, message: 'No worker took the step for 500 ms.' },
    }))
  test('one with time left, or with a worker, goes on', () => {
    ready.when(timeOut('a', { at: 499 }, 'schedule_to_start')).thenRefused('NOT_DUE')
    given(waiting, submit(), start('a'))
      .when(timeOut('a', { at: 900 }, 'schedule_to_start'))
      .thenRefused('LEASE_LOST')
    given(plan(step('a')), submit())
      .when(timeOut('a', { at: 900 }, 'schedule_to_start'))
      .thenRefused('LEASE_LOST')
  })
  test('each attempt waits anew', () => {
    const again = given(waiting, submit(), start('a'), fail('a', failure(), { at: 100 }), retryDue('a', { at: 1_100 }))
    again.when(timeOut('a', { at: 1_599, attempt: 2 }, 'schedule_to_start')).thenRefused('NOT_DUE')
    again.when(timeOut('a', { at: 1_600, attempt: 1 }, 'schedule_to_start')).thenRefused('LEASE_LOST')
    again.when(timeOut('a', { at: 1_600, attempt: 2 }, 'schedule_to_start')).thenTold('step.timed_out a', 'task.blocked')
    given(waiting, submit(), start('a'), release('a', { at: 300 }))
      .when(timeOut('a', { at: 799, attempt: 2 }, 'schedule_to_start'))
      .thenRefused('NOT_DUE')
  })
  test('on_failure: continue goes on without the step', () =>
    given(
      plan(step('a', { more: { scheduleToStartMs: durationMs(500), onFailure: 'continue' } }), step('b', { after: ['a'] })),
      submit(),
    )
      .when(timeOut('a', { at: 500 }, 'schedule_to_start'))
      .thenTold('step.timed_out a', 'step.scheduled b'))
  test('the time stands still while the task is paused', () => {
    const paused = [submit(), order('pause', { at: 400 })]
    given(waiting, ...paused)
      .when(timeOut('a', { at: 900 }, 'schedule_to_start'))
      .thenRefused('NOT_DUE')
    expect(timerRows(id, taskAfter(waiting, ...paused))).toEqual([])
    const resumed = given(waiting, ...paused, order('resume', { at: 5_000 }))
    resumed.when(timeOut('a', { at: 5_099 }, 'schedule_to_start')).thenRefused('NOT_DUE')
    resumed.when(timeOut('a', { at: 5_100 }, 'schedule_to_start')).thenTold('step.timed_out a', 'task.blocked')
  })
  test('a plan without such times has no timers for steps that wait', () => {
    expect(timerRows(id, taskAfter(plan(step('a')), submit()))).toEqual([])
    expect(timerRows(id, taskAfter(waiting, submit()))).toMatchObject([{ kind: 'schedule_to_start', attempt: 1, dueAt: at(500) }])
  })
})

describe('schedule to close', () => {
  const bounded = plan(step('a', { ...after, more: { scheduleToCloseMs: durationMs(2_000) } }))

  test('the step has failed for good wherever it is: waiting for a worker, with one, or waiting for a retry', () => {
    given(bounded, submit())
      .when(timeOut('a', { at: 2_000 }, 'schedule_to_close'))
      .thenTold('step.timed_out a', 'task.blocked')
    given(bounded, submit(), start('a'))
      .when(timeOut('a', { at: 2_000 }, 'schedule_to_close'))
      .then(
        { type: 'step.timed_out', kind: 'schedule_to_close', step: a, attempt: 1, timeoutMs: durationMs(2_000), permanent: true },
        { type: 'task.blocked', steps: [a] },
      )
    given(bounded, submit(), start('a'), fail('a', failure(), { at: 900 }))
      .when(timeOut('a', { at: 2_000, attempt: 1 }, 'schedule_to_close'))
      .then(
        { type: 'step.timed_out', kind: 'schedule_to_close', step: a, attempt: 2, timeoutMs: durationMs(2_000), permanent: true },
        { type: 'task.blocked', steps: [a] },
      )
  })
  test('it runs from the first schedule, over all attempts', () => {
    const second = given(bounded, submit(), start('a'), fail('a', failure(), { at: 100 }), retryDue('a', { at: 1_100 }))
    second.when(timeOut('a', { at: 1_999 }, 'schedule_to_close')).thenRefused('NOT_DUE')
    second.when(timeOut('a', { at: 2_000 }, 'schedule_to_close')).thenTold('step.timed_out a', 'task.blocked')
  })
  test('no attempt is promised that would begin behind it', () =>
    given(bounded, submit(), start('a'))
      .when(fail('a', failure(), { at: 1_000 }))
      .thenTold('step.failed a', 'task.blocked'))
  test('a step that ended, or has no such time, is left alone', () => {
    const two = plan(step('a', { more: { scheduleToCloseMs: durationMs(2_000) } }), step('b', { after: ['a'] }))
    given(two, submit(), start('a'), complete('a'))
      .when(timeOut('a', {}, 'schedule_to_close'))
      .thenRefused('LEASE_LOST')
    given(two, submit(), start('a'))
      .when(timeOut('b', {}, 'schedule_to_close'))
      .thenRefused('LEASE_LOST')
    given(plan(step('a')), submit())
      .when(timeOut('a', {}, 'schedule_to_close'))
      .thenRefused('LEASE_LOST')
  })
  test('a reset begins it anew', () => {
    const reset = [submit(), timeOut('a', { at: 2_000 }, 'schedule_to_close'), byHand('reset_step', 'a', { at: 10_000 })]
    given(bounded, ...reset)
      .when(timeOut('a', { at: 11_999, attempt: 2 }, 'schedule_to_close'))
      .thenRefused('NOT_DUE')
    expect(taskAfter(bounded, ...reset).steps[0]).toMatchObject({ status: 'enqueued', closeBy: at(12_000) })
  })
  test('the pause does not count, with a worker neither', () => {
    const resumed = [submit(), start('a'), order('pause', { at: 500 }), order('resume', { at: 10_500 })]
    expect(taskAfter(bounded, ...resumed).steps[0]).toMatchObject({ status: 'in_progress', closeBy: at(12_000) })
    expect(timerRows(id, taskAfter(bounded, ...resumed)).map(({ kind, dueAt }) => [kind, dueAt])).toEqual([
      ['step_timeout', at(60_000)],
      ['schedule_to_close', at(12_000)],
    ])
  })
  test('a task that is being cancelled ends with it', () =>
    given(bounded, submit(), start('a'), cancel())
      .when(timeOut('a', { at: 2_000 }, 'schedule_to_close'))
      .thenTold('step.timed_out a', 'task.cancelled'))
})
