/** Two tasks compared at the REST door. */
import { instant, parseTaskId, stepId, type TaskId, trustedJson, workerId } from '@tasker/core'
import { TASK_DIFF } from '@tasker/server/internal/rest/schema/task-diff'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from './door-under-test.js'

let door: DoorUnderTest
const AT = instant(Date.UTC(2026, 0, 1, 0, 0, 1))

beforeEach(async () => {
  door = await openDoor()
})
afterEach(() => door.stop())

const submitted = async (context: string): Promise<TaskId> => {
  const payload = `{"namespace":"shop","name":"order","context":${context}}`
  const headers = { 'content-type': 'application/json' }
  const answer = await door.app.inject({ method: 'POST', url: '/v1/tasks', payload, headers })
  const id = parseTaskId(answer.json<{ task_id: string }>().task_id)
  if (id === undefined) throw new Error('a task was submitted')
  return id
}

const diff = (a: string, other: string) => door.app.inject({ method: 'GET', url: `/v1/tasks/${a}/diff?other=${other}` })

test('tells where they part, and in what they differ', async () => {
  const [a, b] = [await submitted('{"n":1}'), await submitted('{"n":2}')]
  door.order(b, { type: 'start', at: AT, step: stepId('validate'), attempt: 1, worker: workerId('w-1') })
  door.order(b, {
    type: 'complete',
    at: AT,
    step: stepId('validate'),
    attempt: 1,
    worker: workerId('w-1'),
    output: trustedJson('1'),
  })
  const found = TASK_DIFF.parse((await diff(a, b)).json())
  expect(found).toMatchObject({
    a,
    b,
    same: false,
    first_divergence: { step_id: null, a: { version: 1, type: 'task.submitted' }, b: { version: 1 } },
    input: [{ path: '/n', a: '1', b: '2' }],
    steps: [
      { step_id: 'validate', status: { a: 'enqueued', b: 'complete' }, output: [{ path: '', a: null, b: '1' }] },
      { step_id: 'charge', status: { a: 'pending', b: 'enqueued' } },
    ],
    is_cut: false,
  })
  expect(TASK_DIFF.parse((await diff(a, a)).json())).toMatchObject({ same: true, first_divergence: null, steps: [] })
})

test('both must be there, and the other one must be named', async () => {
  const a = await submitted('{}')
  expect((await diff(a, '01JGFJJZ00AAAAAAAAAAAAAAAA')).statusCode).toBe(404)
  expect((await door.app.inject({ method: 'GET', url: `/v1/tasks/${a}/diff` })).statusCode).toBe(422)
})
