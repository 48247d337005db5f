/** Operators at work: a real server on a real PostgreSQL, a real worker, and orders over the SDK, REST and gRPC. */
import { once } from 'node:events'
import { credentials } from '@grpc/grpc-js'
import { BulkAction, StepAction, StepServiceClient, TaskServiceClient } from '@tasker/proto'
import {
  Client,
  defineTask,
  PermanentError,
  TaskBlockedError,
  TaskResolvedError,
  Worker,
  type StepContext,
  type TaskDefinition,
} from '@tasker/sdk'
import { type RunningServer, startServer } from '@tasker/server/internal/compose'
import { BULK_REPORT } from '@tasker/server/internal/rest/schema/bulk'
import { STEP_AUDIT } from '@tasker/server/internal/rest/schema/step'
import { STEP, TASK } from '@tasker/server/internal/rest/schema/task'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { serverConfig } from '../sdk/server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const PATIENCE_MS = 20_000

let database: TestDatabase
let server: RunningServer
let client: Client
let steps: StepServiceClient
let tasks: TaskServiceClient
const closing: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
  client = new Client({ url: server.grpcUrl, logger: silent })
  steps = new StepServiceClient(server.grpcUrl, credentials.createInsecure())
  tasks = new TaskServiceClient(server.grpcUrl, credentials.createInsecure())
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(async () => {
  for (const one of [client, steps, tasks]) one.close()
  await server.stop()
  await database.drop()
})

const work = (namespace: string, definition: TaskDefinition): void => {
  const worker = new Worker({ url: server.grpcUrl, namespace, tasks: [definition], signals: false, logger: silent })
  const ended = worker.run()
  closing.push(async () => {
    await worker.stop()
    await ended
  })
}

const rest = async (method: string, path: string, body?: unknown) =>
  fetch(`${server.restUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })

const call = <Response>(ask: (callback: (error: Error | null, response: Response) => void) => unknown): Promise<Response> =>
  new Promise((resolve, reject) => ask((error, response) => (error === null ? resolve(response) : reject(error))))

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
  work('pause', task)
  const handle = await client.submit(task, {})
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
  expect((await rest('POST', `/v1/tasks/${handle.taskId}/pause`)).status).toBe(409)
  await handle.resume()
  expect(await handle.result()).toEqual({ second: 'went on' })
})

describe('a blocked task', () => {
  test('goes on by itself after its failed steps are retried', async () => {
    let broken = true
    const task = defineTask('mended', { namespace: 'retry', version: '1.0.0' })
      .step('charge', () => (broken ? refused() : 'paid'))
      .step('ship', { after: ['charge'] }, ({ deps }) => deps.charge)
    work('retry', task)
    const handle = await client.submit(task, {})
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
    work('promised', task)
    const handle = await client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    const path = `/v1/tasks/${handle.taskId}/workflow_steps/charge`
    const by = { action_type: 'complete_manually', reason: 'verified', completed_by: 'ops@x' }
    const refusedResult = await rest('PATCH', path, { ...by, completion_data: { result: { receipt: 7 } } })
    expect([refusedResult.status, await refusedResult.json()]).toMatchObject([
      422,
      { reason: 'RESULT_INVALID', errors: [{ path: '/completion_data/result/receipt' }] },
    ])
    expect((await rest('PATCH', path, { ...by, completion_data: { result: { receipt: 'R-8' } } })).status).toBe(200)
    expect(await handle.result()).toEqual({ charge: { receipt: 'R-8' } })
  })

  test('goes on with the result a person gave over REST, and the audit says so', async () => {
    const task = defineTask('given', { namespace: 'complete', version: '1.0.0' })
      .step('charge', (): { receipt: string } => refused())
      .step('ship', { after: ['charge'] }, ({ deps }) => deps.charge.receipt)
    work('complete', task)
    const handle = await client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    const path = `/v1/tasks/${handle.taskId}/workflow_steps/charge`
    const answer = await rest('PATCH', path, {
      action_type: 'complete_manually',
      reason: 'verified',
      completed_by: 'ops@x',
      completion_data: { result: { receipt: 'R-7' }, metadata: { ticket: 'T1' } },
    })
    expect(STEP.parse(await answer.json())).toMatchObject({ status: 'complete', output: { receipt: 'R-7' } })
    expect(await handle.result()).toEqual({ ship: 'R-7' })
    const { entries } = STEP_AUDIT.parse(await (await rest('GET', `${path}/audit`)).json())
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
    work('resolve', task)
    const handle = await client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    const base = { taskId: handle.taskId, stepId: 'notify', by: 'ops@x', result: undefined, metadata: undefined }
    const resolved = await call((callback) =>
      steps.resolveStep({ ...base, action: StepAction.STEP_ACTION_RESOLVE_MANUALLY, reason: 'by phone' }, callback),
    )
    expect(resolved).toMatchObject({ step: { status: 'resolved_manually', readiness: { totalParents: 0 } } })
    expect(await handle.result()).toEqual({ close: { notified: null } })
    const audit = await call((callback) =>
      steps.getStepAudit({ taskId: handle.taskId, stepId: 'notify', afterVersion: 0, limit: 0 }, callback),
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
    const listed = await call((callback) => steps.listSteps({ taskId: handle.taskId }, callback))
    expect(listed).toMatchObject({ steps: [{ stepId: 'notify' }, { stepId: 'close', readiness: { completedParents: 1 } }] })
    await expect(
      call((callback) => steps.resolveStep({ ...base, action: StepAction.STEP_ACTION_RESET_FOR_RETRY, reason: '' }, callback)),
    ).rejects.toMatchObject({ code: 9 })
  })

  test('ends when a person resolves it, and says why to whoever waits for its result', async () => {
    const task = defineTask('closed', { namespace: 'close', version: '1.0.0' })
      .step('charge', refused)
      .step('ship', { after: ['charge'] }, () => 'never')
    work('close', task)
    const handle = await client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    await handle.resolve('refunded by hand')
    const fresh = client.task(handle.taskId)
    const error = await fresh.result().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TaskResolvedError)
    expect(error).toMatchObject({ resolveReason: 'refunded by hand' })
    expect(TASK.parse(await (await rest('GET', `/v1/tasks/${handle.taskId}`)).json())).toMatchObject({
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
  work('taken', task)
  const handle = await client.submit(task, {})
  await until('the step runs', PATIENCE_MS, async () =>
    (await handle.state()).steps[0]?.status === 'in_progress' ? 1 : undefined,
  )
  await rest('PATCH', `/v1/tasks/${handle.taskId}/workflow_steps/slow`, {
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
  for (let n = 0; n < 5; n++) handles.push(await client.submit(task, {}, { tags: ['night'] }))
  const consistencyTokens = handles.map((handle) => handle.consistencyToken)
  await client.list({ namespace: 'bulk', consistencyTokens })
  const filter = { namespace: 'bulk', tag: 'night' }
  const dry = BULK_REPORT.parse(await (await rest('POST', '/v1/tasks/bulk', { action: 'pause', filter, dry_run: true })).json())
  expect(dry).toMatchObject({ matched: 5, done: 0 })
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const answer = await rest('POST', '/v1/tasks/bulk', { action: 'pause', filter, reason: 'night', limit: 2, cursor })
    const page = BULK_REPORT.parse(await answer.json())
    expect(page.done).toBe(page.matched)
    seen.push(...page.tasks.map(({ task_id }) => task_id))
    cursor = page.next_cursor
  } while (cursor !== null)
  expect(seen.toSorted()).toEqual(handles.map(({ taskId }) => taskId).toSorted())
  for (const handle of handles) expect((await handle.state()).status).toBe('paused')
  await until('the rows show the pause', PATIENCE_MS, async () =>
    (await client.list({ namespace: 'bulk' })).tasks.every(({ status }) => status === 'paused') ? 1 : undefined,
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
  const resumed = await call((callback) => tasks.bulk({ ...base, action: BulkAction.BULK_ACTION_RESUME }, callback))
  expect(resumed).toMatchObject({ matched: 5, done: 5, refused: 0, failed: 0, nextCursor: '' })
  await expect(
    call((callback) => tasks.bulk({ ...base, action: BulkAction.BULK_ACTION_UNSPECIFIED }, callback)),
  ).rejects.toMatchObject({ code: 3 })
  work('bulk', task)
  for (const handle of handles) expect(await handle.result()).toEqual({ wait: 'done' })
})
