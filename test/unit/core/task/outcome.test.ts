/** The result of a task. */
import { taskResult } from '@tasker/core'
import { expect, test } from 'vitest'
import { byHand, complete, plan, start, step, submit, taskAfter } from '../../../support/given.js'

const fork = plan(step('root'), step('say "hi"', { after: ['root'] }), step('__proto__', { after: ['root'] }))

test('the outputs of the steps nobody waits for are the result, byte for byte, in the order of the template', () => {
  const task = taskAfter(
    fork,
    submit(),
    start('root'),
    complete('root', '{"not":"shown"}'),
    start('say "hi"'),
    start('__proto__'),
    complete('__proto__', '{ "n" : 1.0e2, "n":12345678901234567890 }'),
    complete('say "hi"', '"\\u0000\\ud800 é"'),
  )
  expect(task.phase).toBe('completed')
  expect(taskResult(task)).toBe('{"say \\"hi\\"":"\\u0000\\ud800 é","__proto__":{ "n" : 1.0e2, "n":12345678901234567890 }}')
})

test('a leaf that was resolved by hand is null in the result', () => {
  const pair = plan(step('a'), step('b'))
  const task = taskAfter(pair, submit(), start('a'), complete('a', '7'), byHand('resolve_step', 'b'))
  expect(task.phase).toBe('completed')
  expect(taskResult(task)).toBe('{"a":7,"b":null}')
})

test('a leaf that is not complete has no part in the result', () => {
  const task = taskAfter(fork, submit(), start('root'), complete('root'), start('__proto__'), complete('__proto__', '7'))
  expect(taskResult(task)).toBe('{"__proto__":7}')
  expect(taskResult(taskAfter(fork, submit()))).toBe('{}')
})
