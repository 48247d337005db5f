import { type DurationMs, durationMs, identityReleased } from '@tasker/core'
import { expect, test } from 'vitest'
import { at, cancel, complete, fail, permanently, plan, start, step, submit, taskAfter } from '../../../support/given.js'

const rule = (windowMs: DurationMs | undefined, whileRunning: boolean) =>
  ({ strategy: 'strict', windowMs, whileRunning }) as const
const HOUR = durationMs(3_600_000)

const ONE = plan(step('a'))
const running = taskAfter(ONE, submit(), start('a'))
const completed = taskAfter(ONE, submit(), start('a'), complete('a'))
const cancelled = taskAfter(ONE, submit(), cancel())
const blocked = taskAfter(ONE, submit(), start('a'), fail('a', permanently))

test('without a rule an identity is taken for ever', () => {
  for (const task of [running, completed, cancelled, blocked])
    expect(identityReleased(task, rule(undefined, false), at(Number.MAX_SAFE_INTEGER / 2))).toBe(false)
})

test('a window lets go of the identity so long after the submission, whatever became of the task', () => {
  for (const task of [running, completed]) {
    expect(identityReleased(task, rule(HOUR, false), at(HOUR - 1))).toBe(false)
    expect(identityReleased(task, rule(HOUR, false), at(HOUR))).toBe(true)
  }
})

test('only while running: a task that is over lets go, one that is blocked does not', () => {
  const released = [running, blocked, completed, cancelled].map((task) => identityReleased(task, rule(undefined, true), at(1)))
  expect(released).toEqual([false, false, true, true])
})

test('with both, both must have come', () => {
  expect(identityReleased(running, rule(HOUR, true), at(2 * HOUR))).toBe(false)
  expect(identityReleased(completed, rule(HOUR, true), at(1))).toBe(false)
  expect(identityReleased(completed, rule(HOUR, true), at(HOUR))).toBe(true)
})
