/** What a caller sees of dead letters and of tasks on their way there. */
import { instant, parseTaskId, stepId, type TaskId, handlerName, namespaceOf, workerId } from '@tasker/core'
import {
  DEAD_LETTER,
  DEAD_LETTER_LIST,
  DEAD_LETTER_UPDATED,
  INVESTIGATION_QUEUE,
  STALENESS_LIST,
} from '@tasker/server/internal/rest/schema/dead-letter'
import { DETAILED_HEALTH, QUEUE_LIST } from '@tasker/server/internal/rest/schema/operations'
import { PROBLEM } from '@tasker/server/internal/rest/schema/problem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from './door-under-test.js'

let door: DoorUnderTest
let taskId: TaskId

const AT = instant(Date.UTC(2026, 0, 1, 0, 0, 1))

const get = (url: string) => door.app.inject({ url })
const send = (method: 'POST' | 'PATCH', url: string, payload: string) =>
  door.app.inject({ method, url, payload, headers: { 'content-type': 'application/json' } })

beforeEach(async () => {
  door = await openDoor()
  const answer = await send('POST', '/v1/tasks', '{"namespace":"shop","name":"order","context":{}}')
  const id = parseTaskId(answer.json<{ task_id: string }>().task_id)
  if (id === undefined) throw new Error('a task was submitted')
  taskId = id
})
afterEach(() => door.stop())

const block = (): void => {
  const step = stepId('validate')
  const worker = workerId('w-1')
  door.order(taskId, { type: 'start', at: AT, step, attempt: 1, worker })
  const failure = { message: 'card refused', errorType: 'PermanentError', retryable: false }
  door.order(taskId, { type: 'fail', at: AT, step, attempt: 1, worker, failure, draw: 0.5 })
}

describe('an entry', () => {
  test('of a blocked task is found by task and by id', async () => {
    block()
    const byTask = DEAD_LETTER.parse((await get(`/v1/dlq/task/${taskId}`)).json())
    expect(byTask).toMatchObject({
      entry_id: `${taskId}-1`,
      task_id: taskId,
      dlq_reason: 'permanent_failure',
      original_state: 'blocked_by_failures',
      step_id: 'validate',
      resolution_status: 'pending',
      resolution_timestamp: null,
      task_snapshot: { steps: [{ step_id: 'validate', last_failure: 'card refused' }] },
    })
    expect((await get(`/v1/dlq/entry/${taskId}-1`)).json()).toEqual(byTask)
  })

  test('is put there by a person, and closed with notes; metadata keeps its bytes', async () => {
    const metadata = '{ "ticket": "T-1", "n": 1.0 }'
    const opened = await send(
      'POST',
      '/v1/dlq',
      `{"task_id":"${taskId}","resolution_notes":"odd","by":"ann","metadata":${metadata}}`,
    )
    expect(opened.statusCode).toBe(201)
    expect(opened.headers['tasker-consistency-token']).toBe('0:9')
    expect(opened.body).toContain(`"metadata":${metadata}`)
    const closed = await send(
      'PATCH',
      `/v1/dlq/entry/${taskId}-1`,
      '{"resolution_status":"manually_resolved","resolution_notes":"fine","resolved_by":"bob"}',
    )
    expect(DEAD_LETTER_UPDATED.parse(closed.json())).toMatchObject({
      success: true,
      resolution_status: 'manually_resolved',
      resolution_notes: 'fine',
      resolved_by: 'bob',
      metadata: { ticket: 'T-1' },
    })
  })

  test.each([
    ['ManuallyResolved', 'manually_resolved'],
    ['PermanentlyFailed', 'permanently_failed'],
    ['Cancelled', 'cancelled'],
    ['pending', 'pending'],
  ])('takes the status %s as %s', async (said, status) => {
    block()
    const answer = await send('PATCH', `/v1/dlq/entry/${taskId}-1`, JSON.stringify({ resolution_status: said }))
    expect(answer.json()).toMatchObject({ resolution_status: status })
  })
})

describe('what does not fit', () => {
  const reasonOf = async (answer: ReturnType<typeof get>) => {
    const { statusCode, body } = await answer
    return `${statusCode} ${PROBLEM.parse(JSON.parse(body)).reason}`
  }

  test('there is no such entry or task', async () => {
    expect(await reasonOf(get(`/v1/dlq/task/${taskId}`))).toBe('404 DEAD_LETTER_NOT_FOUND')
    expect(await reasonOf(get('/v1/dlq/task/01JGZZZZZZ0000000000000001'))).toBe('404 TASK_NOT_FOUND')
    expect(await reasonOf(get(`/v1/dlq/entry/${taskId}-1`))).toBe('404 DEAD_LETTER_NOT_FOUND')
    expect(await reasonOf(get('/v1/dlq/entry/first'))).toBe('404 DEAD_LETTER_NOT_FOUND')
    expect(await reasonOf(send('PATCH', `/v1/dlq/entry/${taskId}-7`, '{}'))).toBe('404 DEAD_LETTER_NOT_FOUND')
  })

  test('it is there already', async () => {
    block()
    expect(await reasonOf(send('POST', '/v1/dlq', `{"task_id":"${taskId}"}`))).toBe('409 DEAD_LETTER_PENDING')
  })

  test.each([
    ['{"resolution_status":"solved"}', 'BAD_VALUE /resolution_status'],
    ['{"status":"pending"}', 'UNKNOWN_FIELD /status'],
    ['{"metadata":5}', 'BAD_VALUE /metadata'],
    [`{"resolution_notes":"${'x'.repeat(8_193)}"}`, 'OUT_OF_RANGE /resolution_notes'],
  ])('%s', async (body, problem) => {
    block()
    const answer = await send('PATCH', `/v1/dlq/entry/${taskId}-1`, body)
    expect(answer.statusCode).toBe(422)
    const { errors } = PROBLEM.parse(answer.json())
    const [code = '', path = ''] = problem.split(' ')
    expect(errors?.map((error) => error.path)).toEqual([path])
    expect([code, 'OUT_OF_RANGE', 'WRONG_TYPE']).toContain(errors?.[0]?.code)
  })

  test('metadata is too large', async () => {
    block()
    const body = `{"metadata":{"text":"${'x'.repeat(17_000)}"}}`
    expect(await reasonOf(send('PATCH', `/v1/dlq/entry/${taskId}-1`, body))).toBe('413 METADATA_TOO_LARGE')
  })
})

describe('lists', () => {
  test('filters arrive as they were said, in either spelling', async () => {
    block()
    const answer = await get(
      `/v1/dlq?resolution_status=Pending&resolution_status=cancelled&dlq_reason=StalenessTimeout&namespace=shop&limit=7&offset=14`,
    )
    expect(DEAD_LETTER_LIST.parse(answer.json()).entries).toHaveLength(1)
    expect(door.letters.listings).toMatchObject([
      {
        filter: { namespace: 'shop', statuses: ['pending', 'cancelled'], reason: 'staleness_timeout' },
        limit: 7,
        start: { type: 'offset', rows: 14 },
      },
    ])
    await get('/v1/dlq?cursor=abc')
    expect(door.letters.listings[1]).toMatchObject({ start: { type: 'cursor', cursor: 'abc' } })
  })

  test('the investigation queue ranks what is pending', async () => {
    block()
    const { entries } = INVESTIGATION_QUEUE.parse((await get('/v1/dlq/investigation-queue')).json())
    expect(entries).toMatchObject([{ task_id: taskId, dlq_reason: 'permanent_failure' }])
    expect(entries[0]?.priority_score).toBeCloseTo(500 + (entries[0]?.minutes_in_dlq ?? 0), 6)
  })

  test('staleness shows open tasks with how near they are', async () => {
    const { tasks } = STALENESS_LIST.parse((await get('/v1/dlq/staleness?limit=5')).json())
    expect(tasks).toMatchObject([
      { task_id: taskId, status: 'pending', watched_state: null, staleness_threshold_minutes: null, health_status: 'healthy' },
    ])
    block()
    expect(STALENESS_LIST.parse((await get('/v1/dlq/staleness')).json()).tasks).toMatchObject([{ status: 'blocked_by_failures' }])
  })

  test('figures come by reason', async () => {
    block()
    expect((await get('/v1/dlq/stats?namespace=shop')).json()).toMatchObject({
      stats: [{ dlq_reason: 'permanent_failure', total_entries: 1, pending: 1, avg_resolution_time_minutes: null }],
    })
  })
})

describe('a queue that nobody serves', () => {
  test('degrades health and is named there, and in the list of queues', async () => {
    expect((await get('/health')).json()).toMatchObject({ status: 'ok', problems: [] })
    const since = instant(Date.UTC(2026, 0, 1))
    const queue = { namespace: namespaceOf('shop'), handler: handlerName('Shop.Validate') }
    door.unserved.push({ ...queue, waiting: 3, since })
    const health = (await get('/health')).json<{ status: string; problems: string[] }>()
    expect(health.status).toBe('degraded')
    expect(health.problems).toEqual([
      '3 steps wait for Shop.Validate in shop, and no worker offers it since 2026-01-01T00:00:00.000Z',
    ])
    expect((await get('/health/ready')).statusCode).toBe(200)
    expect(DETAILED_HEALTH.parse((await get('/health/detailed')).json()).unserved_queues).toMatchObject([{ waiting: 3 }])
    door.queues.push({ ...queue, waiting: 3, workers: 0 }, { ...queue, handler: handlerName('Other'), waiting: 1, workers: 2 })
    expect(QUEUE_LIST.parse((await get('/v1/queues')).json()).queues.map((one) => one.unserved_since)).toEqual([
      '2026-01-01T00:00:00.000Z',
      null,
    ])
  })
})
