/** What both doors read of dead letters: entries by id, and the tasks that are near to going stale. */
import { durationMs, namespaceOf, NO_LIFECYCLE, parseTaskId, present, stepId, type TaskId, type LiveTask } from '@tasker/core'
import { latestLetter, letterRef, monitoredTasks, readLetter, remarks } from '@tasker/server/internal/query/letters'
import { describe, expect, test } from 'vitest'
import { at, fail, permanently, plan, planWith, start, step, submit, taskAfter } from '../../../support/given.js'

const ids = ['01JGFJJZ00AAAAAAAAAAAAAAAA', '01JGFJJZ00BBBBBBBBBBBBBBBB', '01JGFJJZ00CCCCCCCCCCCCCCCC'].map((id) =>
  present(parseTaskId(id), 'a task id'),
)
const [first, second, third] = ids
const blocked = taskAfter(plan(step('a')), submit(), start('a'), fail('a', permanently))

describe('the id of an entry', () => {
  test('names a task and a number, in either case', () => {
    expect(letterRef(`${first?.toLowerCase()}-12`)).toEqual({ taskId: first, entry: 12 })
  })

  test.each(['', '-1', 'x-1', `${first}`, `${first}-`, `${first}-one`, `${first}-1-2`])('%j is none', (text) => {
    expect(() => letterRef(text)).toThrow(expect.objectContaining({ reason: 'DEAD_LETTER_NOT_FOUND' }))
  })
})

test('an entry is read from the task as it is', async () => {
  const taskId = present(first, 'an id')
  const engine = { read: async () => ({ taskId, version: 1, state: blocked }) }
  expect(await readLetter(engine, { taskId, entry: 1 })).toMatchObject({ taskId, entry: 1, reason: 'permanent_failure' })
  await expect(readLetter(engine, { taskId, entry: 2 })).rejects.toMatchObject({ reason: 'DEAD_LETTER_NOT_FOUND' })
  await expect(readLetter({ read: async () => undefined }, { taskId, entry: 1 })).rejects.toMatchObject({
    reason: 'DEAD_LETTER_NOT_FOUND',
  })
  expect(latestLetter(taskId, blocked).entry).toBe(1)
})

test('an order says nothing of what was not given', () => {
  expect(remarks({ by: undefined, notes: 'n', metadata: undefined })).toStrictEqual({ notes: 'n' })
})

test('tasks that are nearest to their threshold come first, by what their handlers were heard; those that ended are left out', async () => {
  const watched = planWith({ ...NO_LIFECYCLE, thresholdsMs: { steps_in_process: durationMs(600_000) } }, step('a'))
  const running = taskAfter(watched, submit(), start('a'))
  const states = new Map<TaskId | undefined, LiveTask>([
    [first, running],
    [second, running],
    [third, { ...running, endedAt: at(5) }],
  ])
  const asked: unknown[] = []
  const engine = {
    read: async (taskId: TaskId) => ({ taskId, version: 1, state: present(states.get(taskId), 'a task') }),
    watch: {
      unservedQueues: () => [],
      queueProblem: () => undefined,
      heardSteps: (taskId: TaskId) => new Map(taskId === first ? [[stepId('a'), at(500_000)]] : []),
    },
  }
  const query = {
    stillest: async (...args: readonly unknown[]) => {
      asked.push(args)
      return ids
    },
  }
  const found = await monitoredTasks(engine, query, at(540_000), 7, namespaceOf('shop'))
  expect(asked).toEqual([[7, 'shop']])
  expect(found.map(({ taskId, staleness }) => `${taskId} ${staleness.health}`)).toEqual([`${second} warning`, `${first} healthy`])
})
