import { type LiveTask, parseTaskId, present, trustedJson } from '@tasker/core'
import type { TaskSnapshot } from '@tasker/server/internal/engine/api'
import { shownState } from '@tasker/server/internal/query/function-state'
import { expect, test } from 'vitest'
import { continueAs, functionPlan, plan, record, start, step, submit, taskAfter } from '../../../support/given.js'

const snapshot = (state: LiveTask): TaskSnapshot => ({
  taskId: present(parseTaskId('01ARZ3NDEKTSV4RRFFQ69G5FAV'), 'an id'),
  version: 1,
  state,
})

const shows = (key: string, value: string) => record([{ type: 'effect.recorded', kind: 'state', key, value: trustedJson(value) }])

test('a function shows the values that it set last, byte for byte, also after it went on from its beginning', () => {
  const task = taskAfter(
    functionPlan,
    submit(),
    start('run'),
    shows('a', '1.50'),
    shows('b', '{}'),
    shows('a', '2.50'),
    continueAs('{}'),
  )
  expect([...shownState(snapshot(task))]).toEqual([
    ['a', '2.50'],
    ['b', '{}'],
  ])
  expect(shownState(snapshot(taskAfter(functionPlan, submit()))).size).toBe(0)
})

test('another task shows nothing, and says why', () => {
  expect(() => shownState(snapshot(taskAfter(plan(step('a')), submit())))).toThrow('runs no durable function')
})
