/** What a caller sees of tasks that are there: reads, lists, results, cancellation, graphs, errors. */
import { instant, namespaceOf, parseTaskId, stepId, trustedJson, workerId, type TaskId, type TaskRow } from '@tasker/core'
import {
  EVENT_LIST,
  GRAPH,
  OUTCOME,
  STEP,
  STEP_LIST,
  TASK,
  TASK_LIST,
  TASK_SUMMARY,
} from '@tasker/server/internal/rest/schema/task'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from './door-under-test.js'

let door: DoorUnderTest
let taskId: TaskId

const AT = instant(Date.UTC(2026, 0, 1, 0, 0, 1))
const WORKER = workerId('w-1')

const get = (url: string, headers: Readonly<Record<string, string>> = {}) => door.app.inject({ url, headers })

beforeEach(async () => {
  door = await openDoor()
  const payload = '{"namespace":"shop","name":"order","context":{"id":"A-1"}}'
  const answer = await door.app.inject({
    method: 'POST',
    url: '/v1/tasks',
    payload,
    headers: { 'content-type': 'application/json' },
  })
  const id = parseTaskId(answer.json<{ task_id: string }>().task_id)
  if (id === undefined) throw new Error('a task was submitted')
  taskId = id
})
afterEach(() => door.stop())

const start = (name: string): void =>
  door.order(taskId, { type: 'start', at: AT, step: stepId(name), attempt: 1, worker: WORKER })
const complete = (name: string, output: string): void => {
  start(name)
  door.order(taskId, { type: 'complete', at: AT, step: stepId(name), attempt: 1, worker: WORKER, output: trustedJson(output) })
}
const failForGood = (name: string): void => {
  start(name)
  const failure = { message: 'card refused', errorType: 'PermanentError', retryable: false }
  door.order(taskId, { type: 'fail', at: AT, step: stepId(name), attempt: 1, worker: WORKER, failure, draw: 0.5 })
}

test('a complete task shows its steps with their outputs and its result, byte for byte', async () => {
  complete('validate', '{ "total": 42.0 }')
  complete('charge', '{"__proto__":1,"receipt":"\\ud800"}')
  const answer = await get(`/v1/tasks/${taskId}`)
  const task = TASK.parse(answer.json())
  expect(task).toMatchObject({
    status: 'complete',
    steps: [{ step_id: 'validate', status: 'complete', attempts: 1 }, { step_id: 'charge' }],
  })
  expect(answer.body).toContain('"output":{ "total": 42.0 }')
  expect(answer.body).toContain('"result":{"charge":{"__proto__":1,"receipt":"\\ud800"}}')
})

test('a task is found by its id in either case, and one that is not there is 404', async () => {
  expect((await get(`/v1/tasks/${taskId.toLowerCase()}`)).statusCode).toBe(200)
  for (const id of ['01HZZZZZZZZZZZZZZZZZZZZZZZ', 'none', '%00', '%F0%9F%98%80'])
    expect((await get(`/v1/tasks/${id}`)).json()).toMatchObject({ status: 404, code: 'NOT_FOUND', reason: 'TASK_NOT_FOUND' })
})

test('the summary, the steps and one step are read without the rest', async () => {
  complete('validate', '42')
  expect(TASK_SUMMARY.parse((await get(`/v1/tasks/${taskId}/summary`)).json())).toMatchObject({
    step_counts: { complete: 1, enqueued: 1 },
  })
  expect(STEP_LIST.parse((await get(`/v1/tasks/${taskId}/workflow_steps`)).json()).steps).toHaveLength(2)
  const page = STEP_LIST.parse((await get(`/v1/tasks/${taskId}/workflow_steps?limit=1`)).json())
  expect([page.steps.map(({ step_id }) => step_id), page.next_cursor]).toEqual([['validate'], '1'])
  const rest = STEP_LIST.parse((await get(`/v1/tasks/${taskId}/workflow_steps?limit=1&cursor=${page.next_cursor}`)).json())
  expect([rest.steps.map(({ step_id }) => step_id), rest.next_cursor]).toEqual([['charge'], null])
  const step = STEP.parse((await get(`/v1/tasks/${taskId}/workflow_steps/charge`)).json())
  expect(step).toMatchObject({
    step_id: 'charge',
    status: 'enqueued',
    dependencies: ['validate'],
    output: null,
    handler: 'Shop.Charge',
  })
  const unknown = await get(`/v1/tasks/${taskId}/workflow_steps/refund`)
  expect(unknown.json()).toMatchObject({ status: 404, reason: 'UNKNOWN_STEP', hint: 'Its steps: validate, charge.' })
})

describe('the result', () => {
  test('of a running task is 202 with its status', async () => {
    const answer = await get(`/v1/tasks/${taskId}/result`)
    expect(answer.statusCode).toBe(202)
    expect(OUTCOME.parse(answer.json())).toMatchObject({ status: 'pending', result: null })
    const patient = await get(`/v1/tasks/${taskId}/result?wait_seconds=0.05`)
    expect(patient.statusCode).toBe(202)
  })

  test('comes while the caller waits', async () => {
    const waiting = get(`/v1/tasks/${taskId}/result?wait_seconds=30`)
    complete('validate', '1')
    complete('charge', '{"ok" :true}')
    const answer = await waiting
    expect(answer.statusCode).toBe(200)
    expect(OUTCOME.parse(answer.json())).toMatchObject({ status: 'complete' })
    expect(answer.body).toContain('"result":{"charge":{"ok" :true}}')
  })

  test('of a blocked task is told at once, with what failed', async () => {
    failForGood('validate')
    const answer = await get(`/v1/tasks/${taskId}/result?wait_seconds=60`)
    expect(answer.statusCode).toBe(200)
    expect(OUTCOME.parse(answer.json())).toMatchObject({
      status: 'blocked_by_failures',
      blocked_steps: [{ step_id: 'validate', failure: { message: 'card refused', error_type: 'PermanentError' } }],
    })
  })

  test('of a task that failed as a whole says by what', async () => {
    door.order(taskId, { type: 'fail_task', at: AT, code: 'GIVEN_UP', message: 'Nobody waits for it.' })
    const answer = await get(`/v1/tasks/${taskId}/result?wait_seconds=60`)
    expect(answer.statusCode).toBe(200)
    expect(OUTCOME.parse(answer.json())).toMatchObject({
      status: 'error',
      failure: { code: 'GIVEN_UP', message: 'Nobody waits for it.' },
      blocked_steps: [],
    })
    const events = await get(`/v1/tasks/${taskId}/events`)
    expect(EVENT_LIST.parse(events.json()).events.at(-1)).toMatchObject({ type: 'task.failed', data: { code: 'GIVEN_UP' } })
    const listed = await get('/v1/tasks?status=error')
    expect(TASK_LIST.parse(listed.json()).tasks).toEqual([])
  })

  test('cannot be waited for without end', async () => {
    const answer = await get(`/v1/tasks/${taskId}/result?wait_seconds=61`)
    expect(answer.json()).toMatchObject({ status: 422, errors: [{ code: 'OUT_OF_RANGE', path: '/wait_seconds' }] })
  })

  test('is 202 when the server stops before it came', async () => {
    const waiting = get(`/v1/tasks/${taskId}/result?wait_seconds=60`)
    await get('/health/live')
    await door.stop()
    expect((await waiting).statusCode).toBe(202)
  })
})

test('a task is cancelled by POST with a reason; a second time is refused with 409', async () => {
  const cancel = (method: 'POST' | 'DELETE', url: string, payload?: string) =>
    door.app.inject({
      method,
      url,
      ...(payload === undefined ? {} : { payload, headers: { 'content-type': 'application/json' } }),
    })
  const answer = await cancel('POST', `/v1/tasks/${taskId}/cancel`, '{"reason":"customer left"}')
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['tasker-consistency-token']).toBe('0:9')
  expect(TASK.parse(answer.json())).toMatchObject({ status: 'cancelled', cancel_reason: 'customer left' })
  expect((await cancel('DELETE', `/v1/tasks/${taskId}`)).json()).toMatchObject({
    status: 409,
    code: 'INVALID_STATE',
    reason: 'TASK_FINISHED',
  })
  expect((await cancel('DELETE', '/v1/tasks/01HZZZZZZZZZZZZZZZZZZZZZZZ')).statusCode).toBe(404)
  expect((await cancel('POST', `/v1/tasks/${taskId}/cancel`, '{"why":1}')).json()).toMatchObject({ errors: [{ path: '/why' }] })
})

test('the history comes page by page', async () => {
  complete('validate', '[ 1 ]')
  const first = EVENT_LIST.parse((await get(`/v1/tasks/${taskId}/events?limit=2`)).json())
  expect(first.events.map(({ version, type }) => `${version} ${type}`)).toEqual(['1 task.submitted', '2 steps.created'])
  expect(first.next_cursor).toBe('2')
  const rest = await get(`/v1/tasks/${taskId}/events?cursor=2`)
  const { events, next_cursor } = EVENT_LIST.parse(rest.json())
  expect(events.map(({ type }) => type)).toEqual(['step.scheduled', 'step.started', 'step.completed', 'step.scheduled'])
  expect(next_cursor).toBeNull()
  expect(rest.body).toContain('"data":{"step_id":"validate","attempt":1,"output":[ 1 ]}')
  expect((await get(`/v1/tasks/${taskId}/events?after_version=3&limit=1`)).json()).toMatchObject({ events: [{ version: 4 }] })
})

test('the graph is JSON, or Mermaid when asked for', async () => {
  complete('validate', '1')
  const graph = GRAPH.parse((await get(`/v1/tasks/${taskId}/graph`)).json())
  expect(graph).toMatchObject({
    nodes: [{ id: 'validate', status: 'complete' }, { id: 'charge' }],
    edges: [{ from: 'validate', to: 'charge' }],
  })
  const byFormat = await get(`/v1/tasks/${taskId}/graph?format=mermaid`)
  expect(byFormat.body).toMatch(/^flowchart TD\n/)
  expect((await get(`/v1/tasks/${taskId}/graph`, { accept: 'text/vnd.mermaid' })).body).toBe(byFormat.body)
})

const ROW: TaskRow = {
  taskId: parseTaskId('01HZZZZZZZZZZZZZZZZZZZZZZZ') ?? taskIdMissing(),
  namespace: namespaceOf('shop'),
  name: 'order',
  version: '1.0.0',
  status: 'pending',
  priority: 0,
  tags: ['a'],
  initiator: undefined,
  sourceSystem: undefined,
  reason: undefined,
  correlationId: 'c-1',
  createdAt: AT,
  updatedAt: AT,
  endedAt: undefined,
  streamVersion: 3,
  steps: trustedJson('[]'),
}

function taskIdMissing(): never {
  throw new Error('the id above is a ULID')
}

describe('lists', () => {
  test('show rows and the cursor of the next page', async () => {
    door.page.rows = [ROW]
    door.page.nextCursor = 'abc'
    const list = TASK_LIST.parse((await get('/v1/tasks')).json())
    expect(list).toMatchObject({
      tasks: [{ status: 'pending', created_at: '2026-01-01T00:00:01.000Z', ended_at: null }],
      next_cursor: 'abc',
    })
  })

  test('hand on every filter, repeated ones too', async () => {
    await get(
      '/v1/tasks?namespace=shop&name=order&version=1.0.0&status=pending&status=complete&tag=a&initiator=i&correlation_id=c&q=x' +
        '&created_after=2026-01-01T00:00:00Z&created_before=2026-01-02T00:00:00%2B01:00&sort=updated_at&order=asc&limit=7&cursor=abc' +
        '&consistency_token=0:1&consistency_token=1:2',
    )
    expect(door.listings.at(-1)).toMatchObject({
      filter: {
        namespace: 'shop',
        statuses: ['pending', 'complete'],
        tag: 'a',
        text: 'x',
        createdFrom: Date.UTC(2026, 0, 1),
        createdBefore: Date.UTC(2026, 0, 1, 23),
      },
      sort: { by: 'updated_at', direction: 'asc' },
      limit: 7,
      start: { type: 'cursor', cursor: 'abc' },
      consistencyTokens: ['0:1', '1:2'],
    })
    await get('/v1/tasks?status=pending&page=3&per_page=20')
    expect(door.listings.at(-1)).toMatchObject({
      filter: { statuses: ['pending'] },
      start: { type: 'offset', rows: 40 },
      limit: 20,
    })
  })

  test.each([
    ['limit=501', '/limit', 'OUT_OF_RANGE'],
    ['limit=all', '/limit', 'WRONG_TYPE'],
    ['colour=red', '/colour', 'UNKNOWN_FIELD'],
    ['status=done', '/status', 'BAD_VALUE'],
    ['created_after=yesterday', '/created_after', 'BAD_VALUE'],
    ['q=a%00', '/q', 'BAD_VALUE'],
    ['page=1&cursor=x', '/page', 'BAD_VALUE'],
  ])('refuse %s', async (query, path, code) => {
    const answer = await get(`/v1/tasks?${query}`)
    expect(answer.json()).toMatchObject({ status: 422, errors: [{ path, code }] })
  })
})

test('an address that is not there, and one that cannot be read, are problems too', async () => {
  expect((await get('/v1/nothing')).json()).toMatchObject({
    status: 404,
    reason: 'ROUTE_NOT_FOUND',
    detail: 'There is no GET /v1/nothing.',
  })
  expect((await get('/v1/tasks/%zz')).json()).toMatchObject({ status: 400, reason: 'BAD_REQUEST' })
})

test('a bug is answered with 500 and says nothing of itself', async () => {
  door.door.engine.read = () => Promise.reject(new TypeError('secret of the house'))
  const answer = await get(`/v1/tasks/${taskId}`)
  expect(answer.json()).toMatchObject({ status: 500, code: 'INTERNAL', reason: 'INTERNAL_ERROR' })
  expect(answer.body).not.toContain('secret')
})
