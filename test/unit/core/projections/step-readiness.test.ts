/** What a step waits for, and what of its policy is left. */
import { stepReadiness } from '@tasker/core'
import { expect, test } from 'vitest'
import { at, byHand, complete, fail, order, permanently, plan, start, step, submit, taskAfter } from '../../../support/given.js'

const diamond = plan(step('a'), step('b'), step('c', { after: ['a', 'b'], retry: { maxAttempts: 2 } }))

test('a step counts its parents, and those that are satisfied, by hand too', () => {
  const none = taskAfter(diamond, submit())
  expect(stepReadiness(none, 2)).toMatchObject({ dependenciesSatisfied: false, totalParents: 2, completedParents: 0 })
  const one = taskAfter(diamond, submit(), start('a'), complete('a'))
  expect(stepReadiness(one, 2)).toMatchObject({ dependenciesSatisfied: false, totalParents: 2, completedParents: 1 })
  const both = taskAfter(diamond, submit(), start('a'), complete('a'), byHand('resolve_step', 'b'))
  expect(stepReadiness(both, 2)).toMatchObject({ dependenciesSatisfied: true, completedParents: 2, readyForExecution: true })
  expect(stepReadiness(both, 0)).toMatchObject({ totalParents: 0, dependenciesSatisfied: true, readyForExecution: false })
})

test('nothing of a paused task is ready for execution', () => {
  expect(stepReadiness(taskAfter(diamond, submit()), 0).readyForExecution).toBe(true)
  expect(stepReadiness(taskAfter(diamond, submit(), order('pause')), 0).readyForExecution).toBe(false)
})

test('a step is eligible for a retry as long as its policy leaves it an attempt', () => {
  const twice = plan(step('a', { retry: { maxAttempts: 2 } }), step('once', { retry: { retryable: false, maxAttempts: 9 } }))
  const first = taskAfter(twice, submit(), start('a', { at: 5 }), fail('a', undefined, { at: 7 }))
  expect(stepReadiness(first, 0)).toMatchObject({
    retryEligible: true,
    maxAttempts: 2,
    lastAttemptedAt: at(5),
    lastFailureAt: at(7),
  })
  expect(stepReadiness(first, 1)).toMatchObject({ retryEligible: true, maxAttempts: 1, lastAttemptedAt: undefined })
  expect(stepReadiness(taskAfter(twice, submit(), start('once')), 1).retryEligible).toBe(false)
  expect(stepReadiness(taskAfter(twice, submit(), start('a'), fail('a', permanently)), 0).retryEligible).toBe(false)
})
