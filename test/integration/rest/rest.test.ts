/** The whole way over REST: a real server on a real PostgreSQL, a real worker, and a caller with nothing but HTTP. */
import { LIMITS } from '@tasker/core'
import { defineStep, PermanentError, RetryableError, Worker } from '@tasker/sdk'
import { readServerConfig } from '@tasker/server/internal/config'
import { type RunningServer, startServer } from '@tasker/server/internal/compose'
import { PROBLEM } from '@tasker/server/internal/rest/schema/problem'
import { EVENT_LIST, OUTCOME, TASK, TASK_LIST } from '@tasker/server/internal/rest/schema/task'
import { TEMPLATE } from '@tasker/server/internal/rest/schema/template'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'

let database: TestDatabase
let server: RunningServer
let worker: Worker
let working: Promise<void>

const ORDER = `
name: order
namespace_name: shop
version: 1.0.0
input_schema:
  type: object
  properties:
    id: { type: string }
    mode: { enum: [ok, refused] }
  required: [id]
steps:
  - name: validate
    handler: { callable: Shop.Validate }
  - name: reserve
    handler: { callable: Shop.Reserve }
    dependencies: [validate]
    retry: { retryable: true, max_attempts: 3, backoff: none }
  - name: charge
    handler: { callable: Shop.Charge }
    dependencies: [validate]
  - name: ship
    handler: { callable: Shop.Ship }
    dependencies: [reserve, charge]
`

/** Nobody works for it: its tasks stay where they are. */
const IDLE = `
name: idle
namespace_name: nobody
version: 1.0.0
steps:
  - name: wait
    handler: { callable: Nobody.Wait }
`

const HANDLERS = [
  defineStep('Shop.Validate', ({ input }) => ({ seen: input })),
  defineStep('Shop.Reserve', ({ attempt }) => {
    if (attempt === 1) throw new RetryableError('the shelf is busy')
    return { attempt }
  }),
  defineStep('Shop.Charge', ({ input }) => {
    if (input['mode'] === 'refused') throw new PermanentError('card refused')
    return { receipt: 'R-1' }
  }),
  defineStep('Shop.Ship', ({ deps }) => ({ parcel: Object.keys(deps).toSorted() })),
]

beforeAll(async () => {
  database = await freshDatabase()
  const answer = readServerConfig({
    DATABASE_URL: database.url,
    TASKER_REST_PORT: '0',
    TASKER_GRPC_PORT: '0',
    TASKER_LOG_LEVEL: 'silent',
  })
  if (answer.type === 'invalid') throw new Error(JSON.stringify(answer.problems))
  server = await startServer(answer.config)
  for (const template of [ORDER, IDLE])
    expect((await post('/v1/templates', template, { 'content-type': 'application/yaml' })).status).toBe(201)
  worker = new Worker({ url: server.grpcUrl, namespace: 'shop', slots: 8, handlers: HANDLERS, signals: false })
  working = worker.run()
})
afterAll(async () => {
  await worker.stop()
  await working
  await server.stop()
  await database.drop()
})

const call = (path: string, init: RequestInit = {}) => fetch(`${server.restUrl}${path}`, init)
const post = (path: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
  call(path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
const submit = (context: string, more: Readonly<Record<string, unknown>> = {}) => {
  const rest = JSON.stringify({ namespace: 'shop', name: 'order', ...more })
  return post('/v1/tasks', `${rest.slice(0, -1)},"context":${context}}`)
}
const taskOf = async (answer: Response) => {
  expect([200, 201]).toContain(answer.status)
  return TASK.parse(await answer.json())
}
const problemOf = async (answer: Response) => {
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  return PROBLEM.parse(await answer.json())
}
const resultOf = (id: string) => call(`/v1/tasks/${id}/result?wait_seconds=20`)

test('a task runs from its submission to its result, through a retry, and its history tells it', async () => {
  const { task_id } = await taskOf(await submit('{"id":"A-1"}'))
  const outcome = OUTCOME.parse(await (await resultOf(task_id)).json())
  expect(outcome).toMatchObject({ status: 'complete', result: { ship: { parcel: ['charge', 'reserve', 'validate'] } } })
  const task = TASK.parse(await (await call(`/v1/tasks/${task_id}`)).json())
  expect(Object.fromEntries(task.steps.map(({ step_id, attempts }) => [step_id, attempts]))).toEqual({
    validate: 1,
    reserve: 2,
    charge: 1,
    ship: 1,
  })
  const { events } = EVENT_LIST.parse(await (await call(`/v1/tasks/${task_id}/events?limit=500`)).json())
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1))
  expect(events.at(0)?.type).toBe('task.submitted')
  expect(events.map(({ type }) => type)).toContain('step.retry_scheduled')
  expect(events.at(-1)?.type).toBe('task.completed')
})

test('the events come live while the task runs, the same ones as in its history', async () => {
  const { task_id } = await taskOf(await submit('{"id":"A-2"}'))
  const stream = await call(`/v1/tasks/${task_id}/events`, { headers: { accept: 'text/event-stream' } })
  const live = [...(await stream.text()).matchAll(/^id: (\d+)\nevent: (\S+)$/gm)].map(([, id, type]) => `${id} ${type}`)
  const { events } = EVENT_LIST.parse(await (await call(`/v1/tasks/${task_id}/events?limit=500`)).json())
  expect(live).toEqual(events.map(({ version, type }) => `${version} ${type}`))
})

test('contexts and results come back byte for byte, also to the worker and through it', async () => {
  const context =
    '{"id":"A-3", "online":1,"function":2,"__proto__":{"x":1},"constructor":3,"nul":"\\u0000","half":"\\ud800","emoji":"😀"}'
  const { task_id } = await taskOf(await submit(context))
  await resultOf(task_id)
  const text = await (await call(`/v1/tasks/${task_id}`)).text()
  expect(text).toContain(`"context":${context},`)
  const steps = await (await call(`/v1/tasks/${task_id}/workflow_steps/validate`)).json()
  expect(JSON.stringify(steps)).toContain('"__proto__":{"x":1}')
})

describe('a submission is refused', () => {
  test('with the versions there are, when its template is not there', async () => {
    const version = await problemOf(await submit('{"id":"A"}', { version: '7.0.0' }))
    expect(version).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect(`${version.detail} ${version.hint ?? ''}`).toContain('1.0.0')
    const name = await problemOf(await submit('{"id":"A"}', { name: 'ordr' }))
    expect(`${name.detail} ${name.hint ?? ''}`).toContain('order')
  })

  test('with every failing path, when the context does not fit the schema', async () => {
    const problem = await problemOf(await submit('{"mode":"free"}'))
    expect(problem).toMatchObject({ status: 422, code: 'INVALID_INPUT' })
    expect(problem.errors?.map(({ path }) => path)).toEqual(['/context/id', '/context/mode'])
  })

  test('as too large, and nobody else is disturbed', async () => {
    const big = (bytes: number): string => `{"id":"${'x'.repeat(bytes)}"}`
    const [over, far, other] = await Promise.all([
      submit(big(Math.round(1.1 * LIMITS.contextBytesMax))),
      submit(big(20 * LIMITS.contextBytesMax)),
      submit('{"id":"A-4"}'),
    ])
    expect([over.status, far.status, other.status]).toEqual([413, 413, 201])
    expect(await problemOf(far)).toMatchObject({ reason: 'CONTEXT_TOO_LARGE' })
  })
})

test('a key makes a task once: a second is refused with its id, or given it', async () => {
  const first = await taskOf(await submit('{"id":"K"}', { idempotency_key: 'K' }))
  const second = await problemOf(await submit('{"id":"K"}', { idempotency_key: 'K' }))
  expect(second).toMatchObject({ status: 409, code: 'CONFLICT', task_id: first.task_id })
  const returned = await submit('{"id":"K"}', { idempotency_key: 'K', on_duplicate: 'return' })
  expect([returned.status, (await taskOf(returned)).task_id]).toEqual([200, first.task_id])
  const mismatch = await problemOf(await submit('{"id":"other"}', { idempotency_key: 'K', on_duplicate: 'return' }))
  expect(mismatch).toMatchObject({ status: 409, reason: 'IDEMPOTENCY_MISMATCH', task_id: first.task_id })
})

test('a submission whose answer was lost gives the same task when it is repeated', async () => {
  const request_id = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
  const first = await submit('{"id":"R"}', { request_id })
  const repeat = await submit('{"id":"R"}', { request_id })
  expect([first.status, repeat.status]).toEqual([201, 200])
  expect((await taskOf(repeat)).task_id).toBe((await taskOf(first)).task_id)
})

test('a task that failed for good is blocked, and says what failed', async () => {
  const { task_id } = await taskOf(await submit('{"id":"B","mode":"refused"}'))
  const answer = await resultOf(task_id)
  expect(answer.status).toBe(200)
  expect(OUTCOME.parse(await answer.json())).toMatchObject({
    status: 'blocked_by_failures',
    blocked_steps: [{ step_id: 'charge', failure: { message: 'card refused' } }],
  })
})

test('a list that carries the token of a write shows it', async () => {
  for (let round = 0; round < 5; round++) {
    const answer = await submit('{"id":"L"}', { namespace: 'nobody', name: 'idle', correlation_id: `list-${round}` })
    const token = answer.headers.get('tasker-consistency-token') ?? ''
    const { task_id } = await taskOf(answer)
    const list = await call(`/v1/tasks?correlation_id=list-${round}&consistency_token=${token}`)
    expect(TASK_LIST.parse(await list.json()).tasks).toMatchObject([{ task_id, status: 'pending', steps: [{ step_id: 'wait' }] }])
  }
  const first = TASK_LIST.parse(await (await call('/v1/tasks?namespace=nobody&limit=2')).json())
  expect(first.tasks).toHaveLength(2)
  const second = TASK_LIST.parse(
    await (await call(`/v1/tasks?namespace=nobody&limit=2&cursor=${first.next_cursor ?? ''}`)).json(),
  )
  expect(second.tasks.map(({ task_id }) => task_id)).not.toContain(first.tasks[1]?.task_id)
})

test('a task that waits is cancelled once', async () => {
  const { task_id } = await taskOf(await submit('{}', { namespace: 'nobody', name: 'idle' }))
  expect((await call(`/v1/tasks/${task_id}/result`)).status).toBe(202)
  const cancelled = await post(`/v1/tasks/${task_id}/cancel`, '{"reason":"no longer wanted"}')
  expect(cancelled.headers.get('tasker-consistency-token')).toMatch(/^\d+:\d+$/)
  expect(await taskOf(cancelled)).toMatchObject({ status: 'cancelled', cancel_reason: 'no longer wanted' })
  expect(OUTCOME.parse(await (await resultOf(task_id)).json())).toMatchObject({ status: 'cancelled', reason: 'no longer wanted' })
  expect(await problemOf(await call(`/v1/tasks/${task_id}`, { method: 'DELETE' }))).toMatchObject({
    status: 409,
    code: 'INVALID_STATE',
  })
})

test('templates are kept as they were registered, and refused with a diff when other content comes', async () => {
  const same = await post('/v1/templates', ORDER, { 'content-type': 'application/yaml' })
  expect([same.status, TEMPLATE.parse(await same.json()).outcome]).toEqual([200, 'unchanged'])
  const other = await problemOf(
    await post('/v1/templates', ORDER.replace('max_attempts: 3', 'max_attempts: 4'), { 'content-type': 'application/yaml' }),
  )
  expect(other).toMatchObject({ status: 409, code: 'CONFLICT' })
  expect(JSON.stringify(other)).toContain('max_attempts: 4')
  const cyclic = await problemOf(
    await post('/v1/templates', IDLE.replace('callable: Nobody.Wait }', 'callable: Nobody.Wait }\n    dependencies: [wait]'), {
      'content-type': 'application/yaml',
    }),
  )
  expect(cyclic).toMatchObject({ status: 422, errors: [{ code: 'SELF_DEPENDENCY' }] })
  expect(await problemOf(await post('/v1/templates', 'a: [', { 'content-type': 'application/yaml' }))).toMatchObject({
    status: 400,
  })
})

test('workers, queues, health and metrics show the server at work', async () => {
  expect(await (await call('/v1/workers')).json()).toMatchObject({
    workers: [{ namespace: 'shop', slots: 8, state: 'connected' }],
  })
  expect(await (await call('/health/detailed')).json()).toMatchObject({ status: 'ok', ready: true, quarantined: [], workers: 1 })
  expect((await call('/health/ready')).status).toBe(200)
  const metrics = await (await call('/metrics')).text()
  expect(metrics).toMatch(/^tasker_tasks_submitted_total [1-9]/m)
  expect(metrics).toMatch(/^tasker_steps_ended_total\{outcome="completed"\} [1-9]/m)
  expect(metrics).toMatch(/^tasker_commits_total [1-9]/m)
  expect(JSON.stringify(await (await call('/config')).json())).not.toContain(new URL(database.url).password || 'no password')
})
