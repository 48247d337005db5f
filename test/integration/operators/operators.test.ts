/** Operators at work: a real server on a real PostgreSQL, a real worker, and orders over the SDK, REST and gRPC. */
import { once } from 'node:events'
import { BulkAction, StepAction } from '@tasker/proto'
import { defineTask, PermanentError, TaskBlockedError, TaskResolvedError, type StepContext } from '@tasker/sdk'
import { BULK_REPORT } from '@tasker/server/internal/rest/schema/bulk'
import { STEP_AUDIT } from '@tasker/server/internal/rest/schema/step'
import { STEP, TASK } from '@tasker/server/internal/rest/schema/task'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../../support/until.js'
import { call, type EveryDoor, openEveryDoor } from '../sdk/every-door.js'

const PATIENCE_MS = 20_000

let doors: EveryDoor

beforeAll(async () => {
  doors = await openEveryDoor()
})
afterEach(() => doors.endWorkers())
afterAll(() => doors.close())

/** A gate that a handler waits at until the test opens it. */
const gate = () => {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}

const refused = (): never => {
  throw new PermanentError('card refused')
}

test('nothing starts in a paused task while its running step finishes, and a resume lets it go on', async () => {
  const held = gate()
  const task = defineTask('held', { namespace: 'pause', version: '1.0.0' })
    .step('first', async () => held.opened)
    .step('second', { after: ['first'] }, () => 'went on')
  doors.work('pause', task)
  const handle = await doors.client.submit(task, {})
  await until('the first step runs', PATIENCE_MS, async () =>
    (await handle.state()).steps[0]?.status === 'in_progress' ? 1 : undefined,
  )
  await handle.pause('release')
  held.open()
  const paused = await until('the first step finished', PATIENCE_MS, async () => {
    const state = await handle.state()
    return state.steps[0]?.status === 'complete' ? state : undefined
  })
  expect(paused).toMatchObject({ status: 'paused', steps: [{}, { status: 'enqueued', attempts: 0 }] })
  expect((await doors.rest('POST', `/v1/tasks/${handle.taskId}/pause`)).status).toBe(409)
  await handle.resume()
  expect(await handle.result()).toEqual({ second: 'went on' })
})

describe('a blocked task', () => {
  test('goes on by itself after its failed steps are retried', async () => {
    let broken = true
    const task = defineTask('mended', { namespace: 'retry', version: '1.0.0' })
      .step('charge', () => (broken ? refused() : 'paid'))
      .step('ship', { after: ['charge'] }, ({ deps }) => deps.charge)
    doors.work('retry', task)
    const handle = await doors.client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    broken = false
    await handle.retry('the bank is back')
    expect(await handle.result()).toEqual({ ship: 'paid' })
    const types: string[] = []
    for await (const { type } of handle.events()) types.push(type)
    expect(types).toEqual(expect.arrayContaining(['task.blocked', 'task.retried', 'step.reset_for_retry', 'task.completed']))
  })

  test('takes no result by hand that its result_schema refuses, and says where', async () => {
    const task = defineTask('promised', { namespace: 'promised', version: '1.0.0' }).step(
      'charge',
      { result: z.object({ receipt: z.string() }) },
      (): { receipt: string } => refused(),
    )
    doors.work('promised', task)
    const handle = await doors.client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    const path = `/v1/tasks/${handle.taskId}/workflow_steps/charge`
    const by = { action_type: 'complete_manually', reason: 'verified', completed_by: 'ops@x' }
    const refusedResult = await doors.rest('PATCH', path, { ...by, completion_data: { result: { receipt: 7 } } })
    expect([refusedResult.status, await refusedResult.json()]).toMatchObject([
      422,
      { reason: 'RESULT_INVALID', errors: [{ path: '/completion_data/result/receipt' }] },
    ])
    expect((await doors.rest('PATCH', path, { ...by, completion_data: { result: { receipt: 'R-8' } } })).status).toBe(200)
    expect(await handle.result()).toEqual({ charge: { receipt: 'R-8' } })
  })

  test('goes on with the result a person gave over REST, and the audit says so', async () => {
    const task = defineTask('given', { namespace: 'complete', version: '1.0.0' })
      .step('charge', (): { receipt: string } => refused())
      .step('ship', { after: ['charge'] }, ({ deps }) => deps.charge.receipt)
    doors.work('complete', task)
    const handle = await doors.client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    const path = `/v1/tasks/${handle.taskId}/workflow_steps/charge`
    const answer = await doors.rest('PATCH', path, {
      action_type: 'complete_manually',
      reason: 'verified',
      completed_by: 'ops@x',
      completion_data: { result: { receipt: 'R-7' }, metadata: { ticket: 'T1' } },
    })
    expect(STEP.parse(await answer.json())).toMatchObject({ status: 'complete', output: { receipt: 'R-7' } })
    expect(await handle.result()).toEqual({ ship: 'R-7' })
    const { entries } = STEP_AUDIT.parse(await (await doors.rest('GET', `${path}/audit`)).json())
    expect(entries.map(({ event }) => event)).toEqual([
      'steps.created',
      'step.scheduled',
      'step.started',
      'step.failed',
      'step.completed_manually',
    ])
    expect(entries.at(-1)).toMatchObject({
      reason: 'verified',
      by: 'ops@x',
      metadata: { ticket: 'T1' },
      result: { receipt: 'R-7' },
    })
  })

  test('goes on past a step that is resolved over gRPC, and whose result is null', async () => {
    const task = defineTask('passed', { namespace: 'resolve', version: '1.0.0' })
      .step('notify', (): string | null => refused())
      .step('close', { after: ['notify'] }, ({ deps }) => ({ notified: deps.notify }))
    doors.work('resolve', task)
    const handle = await doors.client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    const base = { taskId: handle.taskId, stepId: 'notify', by: 'ops@x', result: undefined, metadata: undefined }
    const resolved = await call((callback) =>
      doors.steps.resolveStep({ ...base, action: StepAction.STEP_ACTION_RESOLVE_MANUALLY, reason: 'by phone' }, callback),
    )
    expect(resolved).toMatchObject({ step: { status: 'resolved_manually', readiness: { totalParents: 0 } } })
    expect(await handle.result()).toEqual({ close: { notified: null } })
    const audit = await call((callback) =>
      doors.steps.getStepAudit({ taskId: handle.taskId, stepId: 'notify', afterVersion: 0, limit: 0 }, callback),
    )
    expect(audit).toMatchObject({
      nextAfterVersion: 0,
      entries: [
        {},
        {},
        {},
        { event: 'step.failed', success: false },
        { event: 'step.resolved_manually', reason: 'by phone', by: 'ops@x' },
      ],
    })
    const listed = await call((callback) => doors.steps.listSteps({ taskId: handle.taskId }, callback))
    expect(listed).toMatchObject({ steps: [{ stepId: 'notify' }, { stepId: 'close', readiness: { completedParents: 1 } }] })
    await expect(
      call((callback) =>
        doors.steps.resolveStep({ ...base, action: StepAction.STEP_ACTION_RESET_FOR_RETRY, reason: '' }, callback),
      ),
    ).rejects.toMatchObject({ code: 9 })
  })

  test('ends when a person resolves it, and says why to whoever waits for its result', async () => {
    const task = defineTask('closed', { namespace: 'close', version: '1.0.0' })
      .step('charge', refused)
      .step('ship', { after: ['charge'] }, () => 'never')
    doors.work('close', task)
    const handle = await doors.client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    await handle.resolve('refunded by hand')
    const fresh = doors.client.task(handle.taskId)
    const error = await fresh.result().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TaskResolvedError)
    expect(error).toMatchObject({ resolveReason: 'refunded by hand' })
    expect(TASK.parse(await (await doors.rest('GET', `/v1/tasks/${handle.taskId}`)).json())).toMatchObject({
      status: 'resolved_manually',
      resolve_reason: 'refunded by hand',
      steps: [{ status: 'error' }, { status: 'cancelled' }],
    })
  })
})

test('a running step that is completed by hand is taken from its worker, and its late result changes nothing', async () => {
  const aborted = gate()
  const late = gate()
  const task = defineTask('taken', { namespace: 'taken', version: '1.0.0' })
    .step('slow', async ({ signal }: Pick<StepContext, 'signal'>) => {
      if (!signal.aborted) await once(signal, 'abort')
      aborted.open()
      await late.opened
      return 'too late'
    })
    .step('after', { after: ['slow'] }, ({ deps }) => deps.slow)
  doors.work('taken', task)
  const handle = await doors.client.submit(task, {})
  await until('the step runs', PATIENCE_MS, async () =>
    (await handle.state()).steps[0]?.status === 'in_progress' ? 1 : undefined,
  )
  await doors.rest('PATCH', `/v1/tasks/${handle.taskId}/workflow_steps/slow`, {
    action_type: 'complete_manually',
    completion_data: { result: 'by hand' },
  })
  expect(await handle.result()).toEqual({ after: 'by hand' })
  await aborted.opened
  late.open()
  expect((await handle.state()).steps[0]).toMatchObject({ status: 'complete', output: 'by hand' })
})

test('an order to many goes through the tasks of a filter page by page, over REST and gRPC', async () => {
  const task = defineTask('many', { namespace: 'bulk', version: '1.0.0' }).step('wait', () => 'done')
  const handles = []
  for (let n = 0; n < 5; n++) handles.push(await doors.client.submit(task, {}, { tags: ['night'] }))
  const consistencyTokens = handles.map((handle) => handle.consistencyToken)
  await doors.client.list({ namespace: 'bulk', consistencyTokens })
  const filter = { namespace: 'bulk', tag: 'night' }
  const dry = BULK_REPORT.parse(
    await (await doors.rest('POST', '/v1/tasks/bulk', { action: 'pause', filter, dry_run: true })).json(),
  )
  expect(dry).toMatchObject({ matched: 5, done: 0 })
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const answer = await doors.rest('POST', '/v1/tasks/bulk', { action: 'pause', filter, reason: 'night', limit: 2, cursor })
    const page = BULK_REPORT.parse(await answer.json())
    expect(page.done).toBe(page.matched)
    seen.push(...page.tasks.map(({ task_id }) => task_id))
    cursor = page.next_cursor
  } while (cursor !== null)
  expect(seen.toSorted()).toEqual(handles.map(({ taskId }) => taskId).toSorted())
  for (const handle of handles) expect((await handle.state()).status).toBe('paused')
  await until('the rows show the pause', PATIENCE_MS, async () =>
    (await doors.client.list({ namespace: 'bulk' })).tasks.every(({ status }) => status === 'paused') ? 1 : undefined,
  )
  const wire = {
    namespace: 'bulk',
    name: '',
    version: '',
    status: [],
    tag: 'night',
    initiator: '',
    correlationId: '',
    createdFromMs: 0,
    createdBeforeMs: 0,
    updatedFromMs: 0,
    updatedBeforeMs: 0,
    text: '',
  }
  const base = { filter: wire, dryRun: false, reason: 'day', limit: 0, cursor: '' }
  const resumed = await call((callback) => doors.tasks.bulk({ ...base, action: BulkAction.BULK_ACTION_RESUME }, callback))
  expect(resumed).toMatchObject({ matched: 5, done: 5, refused: 0, failed: 0, nextCursor: '' })
  await expect(
    call((callback) => doors.tasks.bulk({ ...base, action: BulkAction.BULK_ACTION_UNSPECIFIED }, callback)),
  ).rejects.toMatchObject({ code: 3 })
  doors.work('bulk', task)
  for (const handle of handles) expect(await handle.result()).toEqual({ wait: 'done' })
})
