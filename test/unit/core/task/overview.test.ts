/** A task at a glance, through its life. */
import { taskOverview, type LiveTask } from '@tasker/core'
import { expect, test } from 'vitest'
import {
  complete,
  fail,
  failure,
  permanently,
  plan,
  start,
  stateAfter,
  step,
  submit,
  type Order,
} from '../../../support/given.js'

const row = plan(step('a'), step('b', { after: ['a'] }), step('c', { after: ['a'] }))

const after = (...orders: readonly Order[]): LiveTask => {
  const state = stateAfter(row, [submit(), ...orders])
  if (state.type !== 'task') throw new Error('a submitted task is there')
  return state
}

test('a task that nobody has taken yet has a step that is ready', () => {
  expect(taskOverview(after())).toEqual({
    totalSteps: 3,
    pendingSteps: 2,
    inProgressSteps: 0,
    completedSteps: 0,
    failedSteps: 0,
    readySteps: 1,
    completionPercentage: 0,
    executionStatus: 'has_ready_steps',
    recommendedAction: 'execute_ready_steps',
    healthStatus: 'healthy',
  })
})

test('a running step is waited for, and what is done is a share of the whole', () => {
  expect(taskOverview(after(start('a'), complete('a'), start('b')))).toMatchObject({
    completionPercentage: 33.3,
    executionStatus: 'processing',
    recommendedAction: 'wait_for_completion',
  })
})

test('a step that waits for a retry makes the task a recovering one', () => {
  expect(taskOverview(after(start('a'), fail('a', failure())))).toMatchObject({
    pendingSteps: 3,
    executionStatus: 'waiting_for_dependencies',
    recommendedAction: 'wait_for_dependencies',
    healthStatus: 'recovering',
  })
})

test('a blocked task asks for somebody', () => {
  expect(taskOverview(after(start('a'), fail('a', permanently)))).toMatchObject({
    failedSteps: 1,
    executionStatus: 'blocked_by_failures',
    recommendedAction: 'handle_failures',
    healthStatus: 'blocked',
  })
})

test('a task that is over asks for nothing', () => {
  const done = after(start('a'), complete('a'), start('b'), complete('b'), start('c'), complete('c'))
  expect(taskOverview(done)).toMatchObject({
    completionPercentage: 100,
    executionStatus: 'all_complete',
    recommendedAction: undefined,
  })
})
