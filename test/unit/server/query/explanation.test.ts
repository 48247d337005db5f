/** What the engine adds to the explanation of a task: its workers, and who has the places of a key. */
import { expect, test } from 'vitest'
import { stepId, type TaskId, taskIdFrom } from '@tasker/core'
import type { EngineWatch, KeyHolder, TaskSnapshot } from '@tasker/server/internal/engine/api'
import { explanationOf } from '@tasker/server/internal/query/explanation'
import { at, keyOf, plan, step, submit, taskAfter } from '../../../support/given.js'

const taskId = taskIdFrom(at(0), new Uint8Array(10))

const watch: EngineWatch = {
  unservedQueues: () => [],
  queueProblem: () => undefined,
  serving: () => ({ workers: 2, slots: 4, busy: 4 }),
  heardSteps: () => new Map(),
}

const held = (by: TaskId, freeAtMs: number | undefined): KeyHolder => ({
  taskId: by,
  step: stepId('a'),
  attempt: 1,
  grantedAt: at(0),
  freeAt: freeAtMs === undefined ? undefined : at(freeAtMs),
})

test('names who has the places of a key, and when the first of them is free', () => {
  const state = taskAfter(plan(step('a', { keys: [keyOf('rate', 'eu', 2)] })), submit())
  const line = { held: 2, ahead: 0, holders: [held(taskId, 9_000), held(taskId, 4_000), held(taskId, undefined)] }
  const snapshot: TaskSnapshot = { taskId, version: 1, state, keyLines: new Map([[stepId('a'), line]]) }
  const [first] = explanationOf({ watch }, snapshot).steps
  expect(first?.why).toContain(`2 are taken by a of task ${taskId}`)
  expect(first?.unblockedBy).toBe('Time: the next place is free at 2026-01-01T00:00:04.000Z.')
})

test('says when all slots of the workers that offer a handler are taken', () => {
  const snapshot: TaskSnapshot = { taskId, version: 1, state: taskAfter(plan(step('a')), submit()) }
  expect(explanationOf({ watch }, snapshot).steps[0]?.why).toContain('4 of 4 are taken')
})
