/** What the expressions of a step can read of its task. */
import { conditionHolds, evaluateExpression, expressionRoots } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import { complete, expression, plan, start, step, submit, taskAfter } from '../../../support/given.js'

const chain = plan(step('a'), step('b', { after: ['a'] }), step('c', { after: ['b'] }), step('beside'))
const done = taskAfter(chain, submit(), start('a'), complete('a', '{"n":[1,2]}'), start('b'), complete('b', '7'))

const valueAt = (index: number, text: string) => {
  const read = expression(text)
  return evaluateExpression(read, expressionRoots(done, index, read))
}

describe('a step reads', () => {
  test('the context as it was submitted', () => {
    expect(valueAt(0, 'context.order')).toEqual({ type: 'value', value: 1 })
  })

  test('the results of everything before it', () => {
    expect(valueAt(2, 'deps.a.n[1] + deps.b')).toEqual({ type: 'value', value: 9 })
  })

  test('all results where it computes the name', () => {
    expect(valueAt(2, 'deps["" + "b"]')).toEqual({ type: 'value', value: 7 })
  })

  test('null for a step without a result, and nothing of a step beside it', () => {
    const begun = taskAfter(chain, submit())
    const read = expression('deps.a == null')
    expect(evaluateExpression(read, expressionRoots(begun, 1, read))).toEqual({ type: 'value', value: true })
    expect(valueAt(2, 'has(deps.beside)')).toEqual({ type: 'value', value: false })
  })

  test('what was said of the task, and null for what was not', () => {
    expect(valueAt(0, 'task.name + task.correlation_id')).toEqual({ type: 'value', value: 'orderc-1' })
    expect(valueAt(0, 'task.initiator')).toEqual({ type: 'value', value: null })
  })
})

test('a condition holds, does not, or fails', () => {
  expect(conditionHolds(done, 1, expression('deps.a.n.size() == 2'))).toEqual({ type: 'value', value: true })
  expect(conditionHolds(done, 1, expression('context.order > 1'))).toEqual({ type: 'value', value: false })
  expect(conditionHolds(done, 1, expression('context.total > 1'))).toEqual({
    type: 'failed',
    message: 'there is no context.total',
  })
})
