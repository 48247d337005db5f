/** What the hours of a template count, from the events of its tasks. */
import { activityKey, activityRows, addedActivity, evolve, decide, NO_TASK, type ActivityRow, type TaskState } from '@tasker/core'
import { expect, test } from 'vitest'
import {
  at,
  cancel,
  complete,
  fail,
  failure,
  permanently,
  plan,
  retryDue,
  start,
  step,
  submit,
  type Order,
} from '../../../support/given.js'

const two = plan(step('a', { retry: { maxAttempts: 2 } }), step('b', { after: ['a'] }))

/** The sums by subject after some orders; the subject of the task itself is the empty name. */
const sumsAfter = (...orders: readonly Order[]): ReadonlyMap<string, ActivityRow> => {
  let state: TaskState = NO_TASK
  const sums = new Map<string, ActivityRow>()
  for (const order of orders) {
    const command = order(two)
    const decision = decide(state, command)
    if (decision.type === 'refused') throw new Error(decision.refusal.message)
    for (const event of decision.events) state = evolve(state, event, command.at, two)
    if (state.type !== 'task') throw new Error('a submitted task is there')
    for (const row of activityRows(decision.events, command.at, state)) {
      const there = sums.get(row.step ?? '')
      sums.set(row.step ?? '', there === undefined ? row : addedActivity(there, row))
    }
  }
  return sums
}

test('a task that completes counts itself and its steps, with how long each took', () => {
  const sums = sumsAfter(
    submit(),
    start('a', { at: 100 }),
    complete('a', '1', { at: 400 }),
    start('b', { at: 400 }),
    complete('b', '1', { at: 1_000 }),
  )
  expect(sums.get('')).toMatchObject({
    submitted: 1,
    completed: 1,
    failed: 0,
    steps: 2,
    durationMsSum: 1_000,
    durationMsMax: 1_000,
  })
  expect(sums.get('a')).toMatchObject({ completed: 1, retried: 0, durationMsSum: 300 })
  expect(sums.get('b')).toMatchObject({ completed: 1, durationMsSum: 600, lastEndedAt: at(1_000) })
})

test('a failed attempt that is tried again is told apart from a step that failed for good', () => {
  const sums = sumsAfter(
    submit(),
    start('a', { at: 0 }),
    fail('a', failure(), { at: 10 }),
    retryDue('a', { at: 5_000, attempt: 2 }),
    start('a', { at: 5_000, attempt: 2 }),
    fail('a', permanently, { at: 6_000, attempt: 2 }),
  )
  expect(sums.get('a')).toMatchObject({ retried: 1, failed: 1, completed: 0, durationMsSum: 6_000 })
  expect(sums.get('')).toMatchObject({ submitted: 1, completed: 0, failed: 0 })
})

test('a cancelled task is counted and says nothing of how long tasks take', () => {
  const sums = sumsAfter(submit(), cancel(undefined, 9_000))
  expect(sums.get('')).toMatchObject({ cancelled: 1, durationMsSum: 0, lastEndedAt: at(9_000) })
})

test('events of two hours are counted in two rows', () => {
  const [morning] = [...sumsAfter(submit({ at: 0 })).values()]
  const [later] = [...sumsAfter(submit({ at: 3_600_000 })).values()]
  expect(morning?.hour).toBe(at(0))
  expect(later?.hour).toBe(at(3_600_000))
  expect(new Set([morning, later].map((row) => (row === undefined ? '' : activityKey(row)))).size).toBe(2)
})
