/** The rows that a task becomes. */
import { parseTaskId, PRIORITY_POINT_MS, present, queueHandler, readyRows, stepView, taskRow, timerRows } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  cancel,
  complete,
  fail,
  permanently,
  plan,
  start,
  step,
  stop,
  submit,
  taskAfter,
  type Order,
} from '../../../support/given.js'

const id = present(parseTaskId('01JGFJJZ00AAAAAAAAAAAAAAAA'), 'task id')
const pair = plan(step('a', { retry: { jitter: 0 } }), step('b', { method: 'refund' }))
const single = plan(step('a'))

describe('the row of a task', () => {
  test('says what lists filter by, and holds its steps as a document', () => {
    const task = taskAfter(pair, submit(), start('a', { at: 3 }))
    const row = taskRow(id, task, 4)
    expect(row).toMatchObject({
      taskId: id,
      namespace: 'shop',
      name: 'order',
      version: '1.0.0',
      status: 'steps_in_process',
      correlationId: 'c-1',
      createdAt: at(0),
      updatedAt: at(3),
      endedAt: undefined,
      streamVersion: 4,
    })
    expect(JSON.parse(row.steps)).toStrictEqual([stepView(task, 0), stepView(task, 1)])
  })

  test('shows the state that people know', () => {
    const shown = (...history: readonly Order[]) => taskRow(id, taskAfter(single, ...history), 1).status
    expect(shown(submit({ runAt: at(5) }))).toBe('scheduled')
    expect(shown(submit())).toBe('pending')
    expect(shown(submit(), start('a'))).toBe('steps_in_process')
    expect(shown(submit(), start('a'), fail('a'))).toBe('waiting_for_retry')
    expect(shown(submit(), start('a'), fail('a', permanently))).toBe('blocked_by_failures')
    expect(shown(submit(), start('a'), cancel())).toBe('cancelling')
    expect(shown(submit(), start('a'), cancel(), stop('a'))).toBe('cancelled')
    expect(shown(submit(), start('a'), complete('a'))).toBe('complete')
  })

  test('ends when the task ends', () => {
    const ended = taskAfter(single, submit(), start('a'), complete('a', '{}', { at: 8 }))
    expect(taskRow(id, ended, 5).endedAt).toBe(at(8))
  })
})

describe('ready rows', () => {
  test('every step that waits for a worker has one, in the queue of its handler', () => {
    const both = {
      taskId: id,
      attempt: 1,
      namespace: 'shop',
      gate: undefined,
      fairnessKey: '',
      priority: 0,
      readyAt: at(2),
      rank: at(2),
    }
    expect(readyRows(id, taskAfter(pair, submit({ at: 2 })))).toStrictEqual([
      { ...both, step: 'a', handler: 'Handlers.a', queue: 'handler Handlers.a' },
      { ...both, step: 'b', handler: 'Handlers.b#refund', queue: 'handler Handlers.b#refund' },
    ])
  })
  test("a step's own priority is added to its task's, within the range, and moves its rank", () => {
    const urgent = plan(step('a', { priority: 60 }), step('b', { priority: -60 }))
    const shown = (priority: number) =>
      readyRows(id, taskAfter(urgent, submit({ at: 5, priority }))).map((row) => [row.priority, row.rank])
    expect(shown(0)).toEqual([
      [60, at(5) - 60 * PRIORITY_POINT_MS],
      [-60, at(5) + 60 * PRIORITY_POINT_MS],
    ])
    expect(shown(50).map(([priority]) => priority)).toEqual([100, -10])
    expect(shown(-50).map(([priority]) => priority)).toEqual([10, -100])
  })
  test('a step with a worker has none', () => {
    expect(readyRows(id, taskAfter(pair, submit(), start('a'))).map((row) => row.step)).toEqual(['b'])
    expect(readyRows(id, taskAfter(pair, submit(), start('a'), start('b')))).toEqual([])
  })
  test('the method `call` is not part of the queue', () => {
    const task = taskAfter(pair, submit())
    expect([queueHandler(task, 0), queueHandler(task, 1)]).toEqual(['Handlers.a', 'Handlers.b#refund'])
  })
})

describe('timer rows', () => {
  test('a task that waits for its start time has one of its own', () => {
    expect(timerRows(id, taskAfter(pair, submit({ runAt: at(5) })))).toStrictEqual([
      { taskId: id, kind: 'run_at', step: undefined, attempt: 0, dueAt: at(5), worker: undefined },
    ])
  })
  test('a running step has its deadline with its worker, a failed one its retry', () => {
    expect(timerRows(id, taskAfter(pair, submit(), start('a'), fail('a'), start('b', { at: 1 })))).toStrictEqual([
      { taskId: id, kind: 'retry', step: 'a', attempt: 2, dueAt: at(1_000), worker: undefined },
      { taskId: id, kind: 'step_timeout', step: 'b', attempt: 1, dueAt: at(60_001), worker: 'w1' },
    ])
  })
  test('a task that is being cancelled has the end of its grace beside the deadlines', () => {
    expect(timerRows(id, taskAfter(single, submit(), start('a'), cancel()))).toStrictEqual([
      { taskId: id, kind: 'cancel_grace', step: undefined, attempt: 0, dueAt: at(10_000), worker: undefined },
      { taskId: id, kind: 'step_timeout', step: 'a', attempt: 1, dueAt: at(60_000), worker: 'w1' },
    ])
  })
  test('a task that ended or is blocked waits for no time', () => {
    expect(timerRows(id, taskAfter(single, submit(), start('a'), complete('a')))).toEqual([])
    expect(timerRows(id, taskAfter(single, submit(), start('a'), fail('a', permanently)))).toEqual([])
    expect(timerRows(id, taskAfter(pair, submit()))).toEqual([])
  })
})
