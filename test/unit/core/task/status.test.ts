/** The states of a task that people are shown. */
import { taskStatus } from '@tasker/core'
import { expect, test } from 'vitest'
import {
  at,
  cancel,
  complete,
  fail,
  failTask,
  graceOver,
  permanently,
  plan,
  retryDue,
  start,
  step,
  submit,
  taskAfter,
  type Order,
} from '../../../support/given.js'

const fork = plan(step('a'), step('b'), step('c', { after: ['a'] }))
const shown = (...history: readonly Order[]) => taskStatus(taskAfter(fork, ...history))

test('a task waits for its start time, then for a worker, then runs', () => {
  expect(shown(submit({ runAt: at(5) }))).toBe('scheduled')
  expect(shown(submit())).toBe('pending')
  expect(shown(submit(), start('a'))).toBe('steps_in_process')
})

test('a task that has begun is in process also while its next step waits for a worker', () => {
  expect(shown(submit(), start('a'), complete('a'))).toBe('steps_in_process')
  expect(shown(submit(), start('a'), fail('a'), retryDue('a'))).toBe('steps_in_process')
  expect(shown(submit(), start('a'), fail('a', permanently))).toBe('steps_in_process')
})

test('a task in which all that could run waits for a retry says so', () => {
  const single = plan(step('a'))
  expect(taskStatus(taskAfter(single, submit(), start('a'), fail('a')))).toBe('waiting_for_retry')
  expect(shown(submit(), start('a'), fail('a'))).toBe('steps_in_process')
})

test('a failed step blocks the task when nothing is active any more', () => {
  expect(shown(submit(), start('a'), fail('a', permanently), start('b'), complete('b'))).toBe('blocked_by_failures')
})

test('a cancelled task is cancelling until nothing runs', () => {
  expect(shown(submit(), start('a'), cancel())).toBe('cancelling')
  expect(shown(submit(), start('a'), cancel(), graceOver())).toBe('cancelled')
})

test('a task that failed as a whole is an error', () => {
  expect(shown(submit(), start('a'), failTask())).toBe('error')
})

test('a task whose steps are all complete is complete', () => {
  expect(shown(submit(), start('a'), complete('a'), start('b'), complete('b'), start('c'), complete('c'))).toBe('complete')
})
