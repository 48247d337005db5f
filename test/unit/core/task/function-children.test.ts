// Children in the journal of a durable function: K1 and K2 of `core/src/function/child.ts`.
import { childrenOf, isLinked, LIMITS, taskStatus, timerRows, type TaskId } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  cancel,
  child,
  childOver,
  childTask,
  complete,
  continueAs,
  fail,
  functionPlan,
  given,
  permanently,
  record,
  signal,
  start,
  submit,
  suspend,
  taskAfter,
} from '../../../support/given.js'

const begun = [submit(), start('run'), record([child('one')])]
const asleep = [...begun, suspend(1)]

test('a child is begun once a key, and the first task counts', () => {
  given(functionPlan, submit(), start('run'))
    .when(record([child('one'), child('one')]))
    .thenTold('child.started')
  given(functionPlan, ...begun)
    .when(record([child('one'), child('two')]))
    .thenTold('child.started')
})

test('the end of a child wakes the function that waits, once, and a child it does not have says nothing', () => {
  given(functionPlan, ...asleep)
    .when(childOver('one'))
    .thenTold('child.ended', 'step.scheduled run')
  given(functionPlan, ...asleep, childOver('one'))
    .when(childOver('one'))
    .thenTold()
  given(functionPlan, ...asleep)
    .when(childOver('two'))
    .thenTold()
  given(functionPlan, ...asleep)
    .when(childOver('one', childTask('other')))
    .thenTold()
  given(functionPlan, ...begun)
    .when(childOver('one'))
    .thenTold('child.ended')
})

test('a child that nobody waits for is over, unless it outlives its parent', () => {
  const cancelled = record([
    { type: 'cancel', key: 'one' },
    { type: 'cancel', key: 'free' },
  ])
  given(functionPlan, submit(), start('run'), record([child('one'), child('free', 'abandon')]))
    .when(cancelled)
    .thenTold('child.ended')
  given(functionPlan, submit(), start('run'))
    .when(record([child('one'), { type: 'cancel', key: 'one' }]))
    .thenTold('child.started', 'child.ended')
})

test('a function that continues lets go of its children, in the commit of that', () => {
  const open = [submit(), start('run'), record([child('one'), child('free', 'abandon')])]
  given(functionPlan, ...open)
    .when(continueAs('2'))
    .thenTold('child.ended', 'function.continued')
  expect(taskAfter(functionPlan, ...open, continueAs('2')).journal?.children).toEqual(new Map())
  given(functionPlan, ...open, continueAs('2'))
    .when(record([child('one')]))
    .thenTold('child.started')
})

test('more children at once than may be are refused, and those that ended do not count', () => {
  const many = Array.from({ length: LIMITS.openChildrenMax }, (_, n) => child(`c${n}`))
  const full = [submit(), start('run'), record(many)]
  given(functionPlan, ...full)
    .when(record([child('more')]))
    .thenRefused('TOO_MANY_CHILDREN')
  given(functionPlan, ...full, childOver('c0'))
    .when(record([child('more')]))
    .thenTold('child.started')
})

test('after its end a task takes no end of a child', () => {
  given(functionPlan, ...begun, complete('run'))
    .when(childOver('one'))
    .thenRefused('TASK_FINISHED')
})

test('a function that waits for children says so, and what people see of them is how they ended', () => {
  const waiting = taskAfter(functionPlan, ...asleep)
  expect(taskStatus(waiting)).toBe('waiting_for_dependencies')
  expect(childrenOf(taskAfter(functionPlan, ...asleep, signal('x'), childOver('one')))).toEqual([
    { taskId: childTask('one'), of: 'function', step: 'run', key: 'one', name: 'below', outcome: 'succeeded' },
  ])
})

describe('what may be left to be said has a row (R4)', () => {
  const TASK = '01JD0000000000000000000000' as TaskId
  const parent = { taskId: TASK, of: 'function', key: 'k', round: 1, onClose: 'cancel', depth: 1 } as const
  const linked = (...history: Parameters<typeof taskAfter> extends [unknown, ...infer Rest] ? Rest : never): boolean => {
    const task = taskAfter(functionPlan, ...history)
    expect(timerRows(TASK, task).some(({ kind }) => kind === 'linked')).toBe(isLinked(task))
    return isLinked(task)
  }

  test('of a parent as long as a child is open', () => {
    expect(linked(submit(), start('run'))).toBe(false)
    expect(linked(...begun)).toBe(true)
    expect(linked(...begun, cancel())).toBe(true)
    expect(linked(...begun, childOver('one'))).toBe(false)
  })

  test('of a child that goes with its parent until it is over', () => {
    expect(linked(submit({ parent }), start('run'))).toBe(true)
    expect(linked(submit({ parent }), start('run'), complete('run'))).toBe(false)
    expect(linked(submit({ parent: { ...parent, onClose: 'abandon' } }), start('run'))).toBe(false)
  })

  test('of a parent that is over, if a child is to outlive it', () => {
    expect(linked(...begun, fail('run', permanently))).toBe(false)
    expect(linked(submit(), start('run'), record([child('free', 'abandon')]), fail('run', permanently))).toBe(true)
  })
})
