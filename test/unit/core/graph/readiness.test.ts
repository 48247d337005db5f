/** When the steps that a step depends on let it run. */
import { readinessOf, type LiveTask } from '@tasker/core'
import { expect, test } from 'vitest'
import { complete, plan, start, stateAfter, step, submit, type Order } from '../../../support/given.js'

const pair = plan(step('a'), step('b'), step('c', { after: ['a', 'b'] }))

const after = (...orders: readonly Order[]): LiveTask => {
  const state = stateAfter(pair, [submit(), ...orders])
  if (state.type !== 'task') throw new Error('a submitted task is there')
  return state
}

test('a step waits as long as one of its dependencies is not satisfied', () => {
  expect(readinessOf(after(start('a'), complete('a')), 2)).toBe('waits')
})

test('a step is ready once the last of them is', () => {
  expect(readinessOf(after(start('a'), complete('a'), start('b'), complete('b')), 2)).toBe('ready')
})
