/** Dead letters on the whole server with a real worker, through REST, gRPC and the command line. */
import { credentials, type ServiceError } from '@grpc/grpc-js'
import {
  type DlqEntry,
  type DlqEntryChange,
  type DlqStatsResponse,
  type InvestigationQueueResponse,
  type ListDlqEntriesResponse,
  type StalenessMonitoringResponse,
  DlqReason,
  DlqResolutionStatus,
  DlqServiceClient,
  StalenessHealthStatus,
} from '@tasker/proto'
import { defineStep, Worker } from '@tasker/sdk'
import { runCommandLine } from '@tasker/server/internal/cli/program'
import { terminalOver } from '@tasker/server/internal/cli/terminal'
import { type RunningServer, startServer } from '@tasker/server/internal/compose'
import { readServerConfig } from '@tasker/server/internal/config'
import { DEAD_LETTER, DEAD_LETTER_LIST, STALENESS_LIST } from '@tasker/server/internal/rest/schema/dead-letter'
import { DETAILED_HEALTH, QUEUE_LIST } from '@tasker/server/internal/rest/schema/operations'
import { TASK } from '@tasker/server/internal/rest/schema/task'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'

let database: TestDatabase
let server: RunningServer
let worker: Worker
let working: Promise<void>
let dlq: DlqServiceClient

const template = (name: string, callable: string): string => `
name: ${name}
namespace_name: shop
version: 1.0.0
lifecycle: { max_steps_in_process_minutes: 60 }
steps:
  - name: only
    handler: { callable: ${callable} }
    retry: { max_attempts: 2, backoff: none }
`

beforeAll(async () => {
  database = await freshDatabase()
  const read = readServerConfig({
    DATABASE_URL: database.url,
    TASKER_REST_PORT: '0',
    TASKER_GRPC_PORT: '0',
    TASKER_LOG_LEVEL: 'silent',
    TASKER_WORKER_UNAVAILABLE_MS: '200',
    TASKER_WORKER_UNAVAILABLE_DLQ_MS: '1000',
  })
  if (read.type !== 'valid') throw new Error(JSON.stringify(read))
  server = await startServer(read.config)
  dlq = new DlqServiceClient(server.grpcUrl, credentials.createInsecure())
  for (const [name, callable] of [
    ['failing', 'Shop.Fail'],
    ['lonely', 'Shop.Nobody'],
  ] as const)
    expect((await post('/v1/templates', template(name, callable), 'application/yaml')).status).toBe(201)
  const fail = defineStep('Shop.Fail', () => {
    throw new Error('the gateway is down')
  })
  worker = new Worker({ url: server.grpcUrl, namespace: 'shop', slots: 4, handlers: [fail], signals: false })
  working = worker.run()
})
afterAll(async () => {
  dlq.close()
  await worker.stop()
  await working
  await server.stop()
  await database.drop()
})

const post = (path: string, body: string, type = 'application/json', method = 'POST') =>
  fetch(`${server.restUrl}${path}`, { method, body, headers: { 'content-type': type } })
const read = async (path: string): Promise<unknown> => (await fetch(`${server.restUrl}${path}`)).json()
const submit = async (name: string): Promise<string> => {
  const answer = await post('/v1/tasks', JSON.stringify({ namespace: 'shop', name, context: {} }))
  return TASK.parse(await answer.json()).task_id
}
const entryOf = async (taskId: string) => {
  const answer = await fetch(`${server.restUrl}/v1/dlq/task/${taskId}`)
  return answer.status === 200 ? DEAD_LETTER.parse(await answer.json()) : undefined
}
const call = <Response>(ask: (done: (error: ServiceError | null, response: Response) => void) => unknown): Promise<Response> =>
  new Promise((resolve, reject) => ask((error, response) => (error === null ? resolve(response) : reject(error))))

/** Resolves when the condition holds. */
const comes = (what: string, condition: () => Promise<boolean>): Promise<true> =>
  until(what, 20_000, async () => ((await condition()) ? true : undefined))

const tasker = async (...args: readonly string[]): Promise<{ readonly exitCode: number; readonly out: string }> => {
  let out = ''
  const stream = { write: (text: string) => (out += text) }
  const host = {
    environment: { TASKER_URL: server.restUrl },
    stdin: Readable.from([]),
    terminal: () => terminalOver(stream, stream, false),
  }
  return { exitCode: await runCommandLine(args, host), out }
}

test('a task whose attempts are used up is found, investigated and closed over every door', async () => {
  const taskId = await submit('failing')
  await comes('the task is in the dead letters', async () => (await entryOf(taskId)) !== undefined)
  const entry = await entryOf(taskId)
  expect(entry).toMatchObject({
    entry_id: `${taskId}-1`,
    dlq_reason: 'max_retries_exceeded',
    original_state: 'blocked_by_failures',
    step_id: 'only',
    task_snapshot: { steps: [{ step_id: 'only', status: 'error', attempts: 2, last_failure: 'the gateway is down' }] },
  })

  const byTask = await call<DlqEntry>((done) => dlq.getEntryByTask({ taskId }, done))
  expect(byTask).toMatchObject({
    entryId: `${taskId}-1`,
    dlqReason: DlqReason.DLQ_REASON_MAX_RETRIES_EXCEEDED,
    resolutionStatus: DlqResolutionStatus.DLQ_RESOLUTION_STATUS_PENDING,
    resolutionTimestampMs: 0,
  })
  const noted = await call<DlqEntryChange>((done) =>
    dlq.updateInvestigation(
      {
        entryId: byTask.entryId,
        resolutionStatus: DlqResolutionStatus.DLQ_RESOLUTION_STATUS_UNSPECIFIED,
        resolutionNotes: 'asked the bank',
        resolvedBy: 'ann',
        metadata: { encoding: '', data: Buffer.from('{"ticket":"T-1"}') },
      },
      done,
    ),
  )
  expect(noted.entry).toMatchObject({
    resolutionStatus: DlqResolutionStatus.DLQ_RESOLUTION_STATUS_PENDING,
    resolutionNotes: 'asked the bank',
  })

  const listed = DEAD_LETTER_LIST.parse(
    await read(`/v1/dlq?resolution_status=Pending&task_id=${taskId}&consistency_token=${noted.consistencyToken}`),
  )
  expect(listed.entries).toMatchObject([{ resolution_notes: 'asked the bank', metadata: { ticket: 'T-1' } }])

  const ranked = await tasker('dlq', 'list', '--ranked')
  expect(ranked.out).toContain(`${taskId}-1`)
  const closed = await tasker('dlq', 'update', `${taskId}-1`, '--status', 'permanently_failed', '--notes', 'lost', '--json')
  expect(closed.exitCode).toBe(0)
  expect(JSON.parse(closed.out)).toMatchObject({
    resolution_status: 'permanently_failed',
    resolution_notes: 'lost',
    resolved_by: 'ann',
  })
  expect(TASK.parse(await read(`/v1/tasks/${taskId}`)).status).toBe('blocked_by_failures')

  const cancelled = await post(`/v1/tasks/${taskId}/cancel`, '{}')
  expect(cancelled.status).toBe(200)
  const late = await post(`/v1/dlq/entry/${taskId}-1`, '{"resolution_notes":"late"}', 'application/json', 'PATCH')
  expect(late.status).toBe(409)
})

test('a missing worker is told within seconds, makes a dead letter, and its coming resolves it', async () => {
  const taskId = await submit('lonely')
  await comes(
    'the queue is reported',
    async () => DETAILED_HEALTH.parse(await read('/health/detailed')).unserved_queues.length > 0,
  )
  const health = DETAILED_HEALTH.parse(await read('/health/detailed'))
  expect(health.status).toBe('degraded')
  expect(health.problems.join()).toContain('Shop.Nobody in shop')
  expect(QUEUE_LIST.parse(await read('/v1/queues')).queues).toMatchObject([{ handler: 'Shop.Nobody', workers: 0 }])
  expect(await (await fetch(`${server.restUrl}/metrics`)).text()).toMatch(/^tasker_queues_unserved 1$/m)
  expect((await tasker('queue', 'list')).out).toMatch(/Shop\.Nobody +1 +none +20/)

  const watched = STALENESS_LIST.parse(await read('/v1/dlq/staleness'))
  expect(watched.tasks).toMatchObject([
    { task_id: taskId, watched_state: 'steps_in_process', staleness_threshold_minutes: 60, health_status: 'healthy' },
  ])
  const monitored = await call<StalenessMonitoringResponse>((done) =>
    dlq.getStalenessMonitoring({ limit: 0, namespace: 'shop' }, done),
  )
  expect(monitored.tasks).toMatchObject([
    { taskId, watchedState: 'steps_in_process', healthStatus: StalenessHealthStatus.STALENESS_HEALTH_STATUS_HEALTHY },
  ])

  await comes('the step makes a dead letter', async () => (await entryOf(taskId)) !== undefined)
  expect(await entryOf(taskId)).toMatchObject({ dlq_reason: 'worker_unavailable', resolution_status: 'pending', step_id: 'only' })
  const urgent = () =>
    call<InvestigationQueueResponse>((done) => dlq.getInvestigationQueue({ limit: 10, namespace: 'shop' }, done))
  await comes('the queue of investigations shows it', async () =>
    (await urgent()).entries.some(({ entry }) => entry?.taskId === taskId),
  )

  const late = new Worker({
    url: server.grpcUrl,
    namespace: 'shop',
    slots: 1,
    handlers: [defineStep('Shop.Nobody', () => ({ done: true }))],
    signals: false,
  })
  const lateWorking = late.run()
  await comes('the entry is resolved', async () => (await entryOf(taskId))?.resolution_status === 'manually_resolved')
  expect((await entryOf(taskId))?.resolved_by).toBe('engine')
  await comes(
    'the queue is served',
    async () => DETAILED_HEALTH.parse(await read('/health/detailed')).unserved_queues.length === 0,
  )
  await late.stop()
  await lateWorking
})

test('a person puts a task there over gRPC; figures count it', async () => {
  const taskId = await submit('lonely')
  const added = await call<DlqEntryChange>((done) =>
    dlq.addEntry({ taskId, resolutionNotes: 'odd', by: 'ann', metadata: undefined }, done),
  )
  expect(added.entry).toMatchObject({ dlqReason: DlqReason.DLQ_REASON_MANUAL_DLQ, resolutionNotes: 'odd' })
  await expect(
    call<DlqEntryChange>((done) => dlq.addEntry({ taskId, resolutionNotes: '', by: '', metadata: undefined }, done)),
  ).rejects.toThrow(/already/)
  const listed = await call<ListDlqEntriesResponse>((done) =>
    dlq.listEntries(
      {
        resolutionStatus: [],
        dlqReason: DlqReason.DLQ_REASON_MANUAL_DLQ,
        namespace: 'shop',
        taskId: '',
        limit: 0,
        cursor: '',
        consistencyTokens: [added.consistencyToken],
      },
      done,
    ),
  )
  expect(listed.entries.map((entry) => entry.taskId)).toEqual([taskId])
  const { stats } = await call<DlqStatsResponse>((done) => dlq.getStats({ namespace: 'shop' }, done))
  expect(stats.find(({ dlqReason }) => dlqReason === DlqReason.DLQ_REASON_MANUAL_DLQ)).toMatchObject({
    totalEntries: 1,
    pending: 1,
  })
  expect((await tasker('dlq', 'stats')).out).toContain('manual_dlq')
  await expect(call<DlqEntry>((done) => dlq.getEntry({ entryId: 'x' }, done))).rejects.toMatchObject({ code: 5 })
})
