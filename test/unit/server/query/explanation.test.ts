/** An explanation with what is around a task: workers and their slots, and the holders of a key. */
import { explanationOf } from '@tasker/server/internal/query/explanation'
import { expect, test } from 'vitest'
import { startTestEngine, submissionOf, type TestEngine } from '../../../support/engine.js'
import type { TaskId } from '@tasker/core'

const whyOf = async (made: TestEngine, taskId: TaskId): Promise<readonly string[]> => {
  const snapshot = await made.engine.read(taskId)
  if (snapshot === undefined) throw new Error('the task is there')
  return explanationOf(made.engine, snapshot).steps.map(({ why }) => why)
}

test('a ready step tells whether anybody offers its handler, and whether all slots are busy', async () => {
  const made = await startTestEngine()
  await made.register('order', [{ name: 'a' }])
  const [first, second] = [await made.submitted(submissionOf(1)), await made.submitted(submissionOf(2))]
  expect(await whyOf(made, first)).toEqual(['It is ready, and no connected worker offers work.'])
  made.worker({ slots: 1 })
  await made.clock.advance(100)
  expect([await whyOf(made, first), await whyOf(made, second)]).toEqual([
    [],
    ['It is ready, and all 1 slots of the 1 workers that offer work are busy.'],
  ])
  const past = await made.engine.readAsOf(first, { type: 'version', version: 3 })
  if (past === undefined) throw new Error('the task is there')
  expect(explanationOf(made.engine, past).steps[0]?.why).toContain('is not in the log of the task')
})

test('a step that waits for a key names the task that has its place', async () => {
  const made = await startTestEngine()
  await made.register('order', [{ name: 'a', more: { concurrency: { key: 'eu', limit: 1 } } }])
  made.worker({ slots: 5 })
  const [first, second] = [await made.submitted(submissionOf(1)), await made.submitted(submissionOf(2))]
  await made.clock.advance(100)
  expect(await whyOf(made, second)).toEqual([
    `It waits for a place of the concurrency key eu, which has 1; 1 are taken (by task ${first}, step a, attempt 1), and 0 go before it.`,
  ])
})
