/** What operators see at the REST door: orders to tasks and steps, the audit, and orders to many. */
import { instant, LIMITS, parseTaskId, stepId, taskRow, type TaskId, workerId } from '@tasker/core'
import { BULK_REPORT } from '@tasker/server/internal/rest/schema/bulk'
import { STEP_AUDIT } from '@tasker/server/internal/rest/schema/step'
import { STEP, TASK } from '@tasker/server/internal/rest/schema/task'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from './door-under-test.js'

let door: DoorUnderTest
let taskId: TaskId

const AT = instant(Date.UTC(2026, 0, 1, 0, 0, 1))
const WORKER = workerId('w-1')
const JSON_TYPE = { 'content-type': 'application/json' }

beforeEach(async () => {
  door = await openDoor()
  const payload = '{"namespace":"shop","name":"order","context":{}}'
  const answer = await door.app.inject({ method: 'POST', url: '/v1/tasks', payload, headers: JSON_TYPE })
  const id = parseTaskId(answer.json<{ task_id: string }>().task_id)
  if (id === undefined) throw new Error('a task was submitted')
  taskId = id
})
afterEach(() => door.stop())

const post = (path: string, payload = '') =>
  door.app.inject({ method: 'POST', url: `/v1/tasks/${path}`, payload, ...(payload === '' ? {} : { headers: JSON_TYPE }) })
const patch = (step: string, payload: string) =>
  door.app.inject({ method: 'PATCH', url: `/v1/tasks/${taskId}/workflow_steps/${step}`, payload, headers: JSON_TYPE })

const failForGood = (name: string): void => {
  const step = stepId(name)
  door.order(taskId, { type: 'start', at: AT, step, attempt: 1, worker: WORKER })
  const failure = { message: 'card refused', errorType: 'PermanentError', retryable: false }
  door.order(taskId, { type: 'fail', at: AT, step, attempt: 1, worker: WORKER, failure, draw: 0.5 })
}

describe('orders to a task', () => {
  test('pause and resume answer with the task, and say a reason when there is one', async () => {
    const paused = await post(`${taskId}/pause`, '{"reason":"release","by":"ops@x"}')
    expect(paused.statusCode).toBe(200)
    expect(paused.headers['tasker-consistency-token']).toBe('0:9')
    expect(TASK.parse(paused.json())).toMatchObject({ status: 'paused', pause_reason: 'release' })
    const again = await post(`${taskId}/pause`)
    expect([again.statusCode, again.json<{ reason: string }>().reason]).toEqual([409, 'TASK_ALREADY_PAUSED'])
    expect(TASK.parse((await post(`${taskId}/resume`)).json())).toMatchObject({ status: 'pending', pause_reason: null })
    expect((await post(`${taskId}/resume`)).json()).toMatchObject({ code: 'INVALID_STATE', reason: 'TASK_NOT_PAUSED' })
  })

  test('retry resets what failed; resolve closes what is blocked', async () => {
    failForGood('validate')
    const retried = TASK.parse((await post(`${taskId}/retry`)).json())
    expect(retried.steps[0]).toMatchObject({ status: 'enqueued', attempts: 1, attempts_since_reset: 0 })
    expect((await post(`${taskId}/resolve`)).json()).toMatchObject({ reason: 'TASK_NOT_BLOCKED' })
    door.order(taskId, { type: 'start', at: AT, step: stepId('validate'), attempt: 2, worker: WORKER })
    const failure = { message: 'again', errorType: 'PermanentError', retryable: false }
    door.order(taskId, { type: 'fail', at: AT, step: stepId('validate'), attempt: 2, worker: WORKER, failure, draw: 0.5 })
    const resolved = TASK.parse((await post(`${taskId}/resolve`, '{"reason":"obsolete"}')).json())
    expect(resolved).toMatchObject({
      status: 'resolved_manually',
      resolve_reason: 'obsolete',
      steps: [{ status: 'error' }, { status: 'cancelled' }],
    })
    expect((await post(`${taskId}/retry`)).json()).toMatchObject({ status: 409, reason: 'TASK_FINISHED' })
  })

  test('what does not fit is refused with its place', async () => {
    expect((await post(`${taskId}/pause`, '{"why":"x"}')).json()).toMatchObject({ status: 422, errors: [{ path: '/why' }] })
    expect((await post('nobody/pause')).statusCode).toBe(404)
  })
})

describe('a step by hand', () => {
  test('is reset, resolved or completed, in the original’s words too', async () => {
    failForGood('validate')
    const reset = await patch('validate', '{"action_type":"reset_for_retry","reason":"gateway back","reset_by":"ops@x"}')
    expect(STEP.parse(reset.json())).toMatchObject({ status: 'enqueued', retry_eligible: true, ready_for_execution: true })
    const resolved = await patch('validate', '{"action_type":"resolve_manually","reason":"by phone","resolved_by":"ops@x"}')
    expect(STEP.parse(resolved.json())).toMatchObject({ status: 'resolved_manually', output: null })
    const completed = await patch(
      'charge',
      '{"action_type":"complete_manually","completed_by":"ops@x","completion_data":{"result":{ "ok": 1.0 },"metadata":{"ticket":"T1"}}}',
    )
    expect(STEP.parse(completed.json())).toMatchObject({ status: 'complete', total_parents: 1, completed_parents: 1 })
    expect(completed.body).toContain('"output":{ "ok": 1.0 }')
    const events = await door.app.inject({ url: `/v1/tasks/${taskId}/events` })
    expect(events.body).toContain('"output":{ "ok": 1.0 },"metadata":{"ticket":"T1"},"by":"ops@x"')
  })

  test('without completion data has the result null', async () => {
    await patch('validate', '{"action_type":"complete_manually"}')
    const { steps } = TASK.parse((await door.app.inject({ url: `/v1/tasks/${taskId}` })).json())
    expect(steps[0]).toMatchObject({ status: 'complete', output: null })
  })

  test('is refused where it cannot be', async () => {
    expect((await patch('validate', '{"action_type":"reset_for_retry"}')).json()).toMatchObject({
      status: 409,
      reason: 'STEP_NOT_FAILED',
      step_id: 'validate',
    })
    expect((await patch('nobody', '{"action_type":"resolve_manually"}')).json()).toMatchObject({
      status: 404,
      reason: 'UNKNOWN_STEP',
    })
    await patch('validate', '{"action_type":"resolve_manually"}')
    expect((await patch('validate', '{"action_type":"resolve_manually"}')).json()).toMatchObject({ reason: 'STEP_FINISHED' })
  })

  test('what does not fit is refused with its place', async () => {
    expect((await patch('validate', '{"action_type":"explode"}')).statusCode).toBe(422)
    expect((await patch('validate', '{"action_type":"resolve_manually","completed_by":"x"}')).statusCode).toBe(422)
    expect((await patch('validate', '{"action_type":"complete_manually","completion_data":7}')).statusCode).toBe(422)
    const unknown = await patch('validate', '{"action_type":"complete_manually","completion_data":{"resutl":1}}')
    expect(unknown.json()).toMatchObject({ status: 422, errors: [{ code: 'UNKNOWN_FIELD', path: '/completion_data/resutl' }] })
    const large = JSON.stringify('x'.repeat(LIMITS.resultBytesMax))
    const tooLarge = await patch('validate', `{"action_type":"complete_manually","completion_data":{"result":${large}}}`)
    expect(tooLarge.json()).toMatchObject({ status: 413, reason: 'RESULT_TOO_LARGE' })
  })
})

test('the audit tells every change of a step, in pages', async () => {
  failForGood('validate')
  await patch('validate', '{"action_type":"complete_manually","reason":"verified","completion_data":{"result":{"ok":true}}}')
  const url = `/v1/tasks/${taskId}/workflow_steps/validate/audit`
  const page = STEP_AUDIT.parse((await door.app.inject({ url: `${url}?limit=4` })).json())
  expect(page.entries.map(({ event, success }) => [event, success])).toEqual([
    ['steps.created', null],
    ['step.scheduled', null],
    ['step.started', null],
    ['step.failed', false],
  ])
  expect(page.entries[3]).toMatchObject({ from_state: 'in_progress', to_state: 'error', execution_time_ms: 0, worker_id: 'w-1' })
  const rest = STEP_AUDIT.parse((await door.app.inject({ url: `${url}?cursor=${page.next_cursor}` })).json())
  expect(rest).toMatchObject({
    next_cursor: null,
    entries: [
      { event: 'step.completed_manually', success: true, reason: 'verified', result: { ok: true }, to_state: 'complete' },
    ],
  })
  expect((await door.app.inject({ url: `/v1/tasks/${taskId}/workflow_steps/nobody/audit` })).statusCode).toBe(404)
})

test('an order to many counts what became of each, and a dry run does nothing', async () => {
  const task = await door.door.engine.read(taskId)
  if (task === undefined) throw new Error('the task is there')
  door.page.rows = [taskRow(taskId, task.state, task.version)]
  const filter = '"filter":{"namespace":"shop","status":["pending"],"created_before":"2030-01-01T00:00:00Z"}'
  const dry = BULK_REPORT.parse((await post('bulk', `{"action":"pause","dry_run":true,${filter}}`)).json())
  expect(dry).toMatchObject({
    dry_run: true,
    matched: 1,
    done: 0,
    tasks: [{ task_id: taskId, outcome: 'would', status: 'pending' }],
  })
  const done = BULK_REPORT.parse((await post('bulk', `{"action":"pause","reason":"release",${filter}}`)).json())
  expect(done).toMatchObject({ dry_run: false, matched: 1, done: 1, refused: 0, next_cursor: null })
  const again = BULK_REPORT.parse((await post('bulk', `{"action":"pause",${filter}}`)).json())
  expect(again).toMatchObject({
    refused: 1,
    tasks: [{ outcome: 'refused', reason: 'TASK_ALREADY_PAUSED', code: 'INVALID_STATE' }],
  })
  expect((await post('bulk', '{"action":"pause","filter":{}}')).json()).toMatchObject({
    status: 422,
    errors: [{ path: '/filter' }],
  })
  expect((await post('bulk', '{"action":"explode","filter":{"name":"order"}}')).statusCode).toBe(422)
})
