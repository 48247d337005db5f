/** What explains a task at the REST door. */
import { handlerName, instant, namespaceOf, parseTaskId, stepId, type TaskId, trustedJson, workerId } from '@tasker/core'
import { COMPENSATION, EXPLANATION } from '@tasker/server/internal/rest/schema/task-explain'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from './door-under-test.js'

let door: DoorUnderTest
let taskId: TaskId
const AT = instant(Date.UTC(2026, 0, 1, 0, 0, 1))

beforeEach(async () => {
  door = await openDoor()
  const payload = '{"namespace":"shop","name":"order","context":{}}'
  const headers = { 'content-type': 'application/json' }
  const answer = await door.app.inject({ method: 'POST', url: '/v1/tasks', payload, headers })
  const id = parseTaskId(answer.json<{ task_id: string }>().task_id)
  if (id === undefined) throw new Error('a task was submitted')
  taskId = id
})
afterEach(() => door.stop())

const get = (path: string) => door.app.inject({ method: 'GET', url: `/v1/tasks/${path}` })

test('each step that does not run is explained, with the queue that nobody serves', async () => {
  expect(EXPLANATION.parse((await get(`${taskId}/explain`)).json())).toMatchObject({
    task_id: taskId,
    status: 'pending',
    steps: [
      {
        step_id: 'validate',
        status: 'enqueued',
        reason: 'worker',
        why: 'It is ready, and no connected worker offers Shop.Validate.',
      },
      { step_id: 'charge', status: 'pending', reason: 'dependencies', waits_for: ['validate'] },
    ],
  })
  door.unserved.push({ namespace: namespaceOf('shop'), handler: handlerName('Shop.Validate'), waiting: 1, since: AT })
  const { steps } = EXPLANATION.parse((await get(`${taskId}/explain`)).json())
  expect(steps[0]?.why).toContain('no connected worker has offered Shop.Validate since 2026-01-01T00:00:01.000Z')
})

test('the compensation of a task names what has no way back', async () => {
  const at = { at: AT, step: stepId('validate'), attempt: 1, worker: workerId('w-1') }
  door.order(taskId, { type: 'start', ...at })
  door.order(taskId, { type: 'complete', ...at, output: trustedJson('1') })
  const answer = COMPENSATION.parse((await get(`${taskId}/compensation`)).json())
  expect(answer).toEqual({ task_id: taskId, state: 'not_started', steps: [], without_way_back: ['validate'] })
})

test('nothing is explained of a task that is not there', async () => {
  const none = '01JGFJJZ00AAAAAAAAAAAAAAAA'
  expect([(await get(`${none}/explain`)).statusCode, (await get(`${none}/compensation`)).statusCode]).toEqual([404, 404])
})
