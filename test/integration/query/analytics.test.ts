/** Analytics on a real PostgreSQL, out of what a real server projected, through both doors. */
import { credentials } from '@grpc/grpc-js'
import { AnalyticsServiceClient } from '@tasker/proto'
import { Client, defineStep, PermanentError, RetryableError, Worker } from '@tasker/sdk'
import { instant } from '@tasker/core'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { openPool } from '@tasker/server/internal/database'
import { postgresAnalytics } from '@tasker/server/internal/query/postgres-analytics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { serverConfig } from '../sdk/server-config.js'

let database: TestDatabase
let server: RunningServer
let worker: Worker
let working: Promise<void>

const TEMPLATE = `
name: parcel
namespace_name: post
version: 1.0.0
steps:
  - name: weigh
    handler: { callable: Post.Weigh }
    retry: { max_attempts: 2, backoff: none }
  - name: send
    handler: { callable: Post.Send }
    dependencies: [weigh]
    retry: { retryable: false }
`

const TASKS = 6

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
  const sent = await fetch(`${server.restUrl}/v1/templates`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: TEMPLATE,
  })
  expect(sent.status).toBe(201)
  worker = new Worker({
    url: server.grpcUrl,
    namespace: 'post',
    slots: 4,
    signals: false,
    handlers: [
      defineStep('Post.Weigh', ({ attempt }) => {
        if (attempt === 1) throw new RetryableError('the scales swing')
        return { grams: 7 }
      }),
      defineStep('Post.Send', ({ input }) => {
        if (input['lost'] === true) throw new PermanentError('no such address')
        return {}
      }),
    ],
  })
  working = worker.run()
  await submitAll()
})
afterAll(async () => {
  await worker.stop()
  await working
  await server.stop()
  await database.drop()
})

/** All but the last go through; that one is blocked by its second step. */
const submitAll = async (): Promise<void> => {
  const client = new Client({ url: server.grpcUrl })
  const handles = await Promise.all(
    Array.from({ length: TASKS }, (_, n) => client.submit({ name: 'parcel', namespace: 'post' }, { lost: n === TASKS - 1 })),
  )
  const outcomes = await Promise.allSettled(handles.map((handle) => handle.result()))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(TASKS - 1)
  client.close()
}

const json = async (path: string): Promise<Record<string, unknown>> => {
  const answer = await fetch(`${server.restUrl}${path}`)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Record<string, unknown>
}

/** The rows are a moment behind the log. */
const projected = async (): Promise<void> => {
  let active: unknown
  for (let look = 0; look < 200 && active !== 1; look++) active = (await json('/v1/analytics/performance'))['active_tasks']
  expect(active).toBe(1)
}

test('performance counts what happened, and the same through both doors', async () => {
  await projected()
  const rest = await json('/v1/analytics/performance?hours=1')
  expect(rest).toMatchObject({ total_tasks: TASKS, active_tasks: 1, completed_tasks: TASKS - 1, failed_tasks: 0, error_rate: 0 })
  const client = new AnalyticsServiceClient(server.grpcUrl, credentials.createInsecure())
  const grpc = await new Promise((resolve, reject) =>
    client.getPerformanceMetrics({ hours: 1 }, (error, answer) => (error === null ? resolve(answer) : reject(error))),
  )
  expect(grpc).toMatchObject({ totalTasks: TASKS, activeTasks: 1, completedTasks: TASKS - 1 })
  client.close()
})

test('bottlenecks name the step that errs, the blocked task, and refuse what is out of range', async () => {
  await projected()
  const rest = await json('/v1/analytics/bottlenecks?min_executions=1')
  expect(rest).toMatchObject({
    slow_tasks: [{ namespace_name: 'post', task_name: 'parcel', execution_count: TASKS - 1, average_step_count: 2 }],
    resource_utilization: { system_health: { complete: TASKS - 1, blocked_by_failures: 1 } },
  })
  const client = new AnalyticsServiceClient(server.grpcUrl, credentials.createInsecure())
  const grpc = await new Promise<{ slowSteps: { stepName: string; errorCount: number }[]; recommendations: string[] }>(
    (resolve, reject) =>
      client.getBottleneckAnalysis({ hours: 1, limit: 10, minExecutions: 1 }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      ),
  )
  expect(grpc.slowSteps.find(({ stepName }) => stepName === 'weigh')).toMatchObject({ errorCount: TASKS, executionCount: TASKS })
  expect(grpc.recommendations).toContain('1 tasks are blocked by failures and wait for a person.')
  const refused = await new Promise<unknown>((resolve) =>
    client.getBottleneckAnalysis({ hours: 9_000, limit: 0, minExecutions: 0 }, (error) => resolve(error?.details)),
  )
  expect(refused).toContain('hours is 9000; at most 8760 is allowed')
  client.close()
})

test('a list over gRPC is filtered and ordered as one over REST', async () => {
  const client = new Client({ url: server.grpcUrl, namespace: 'post' })
  const oldest = await client.list({ order: 'oldest', createdFrom: new Date(0), limit: 2 })
  const newest = await client.list({ order: 'newest' })
  expect(
    newest.tasks
      .map(({ taskId }) => taskId)
      .toReversed()
      .slice(0, 2),
  ).toEqual(oldest.tasks.map(({ taskId }) => taskId))
  expect((await client.list({ createdBefore: new Date(1) })).tasks).toEqual([])
  expect((await client.list({ initiator: 'nobody' })).tasks).toEqual([])
  expect((await client.list({ text: 'PARCEL', order: 'stalest' })).tasks).toHaveLength(TASKS)
  client.close()
})

test('hours before the period are left out, the rest are one sum a subject', async () => {
  const other = await freshDatabase()
  const pool = openPool({ url: other.url, applicationName: 'tests', connectionsMax: 2 })
  const hour = (n: number) => n * 3_600_000
  for (const n of [1, 5, 6])
    await pool.query(`insert into activity values ($1, 'post', 'parcel', '1.0.0', 'weigh', 0, 2, 1, 0, 0, 0, 30, $2, $1)`, [
      hour(n),
      10 + n,
    ])
  const analytics = postgresAnalytics(pool)
  const [sum, ...more] = await analytics.activitySince(instant(hour(5) + 1_000))
  expect(sum).toMatchObject({
    step: 'weigh',
    completed: 4,
    failed: 2,
    durationMsSum: 60,
    durationMsMax: 16,
    lastEndedAt: hour(6),
  })
  expect(more).toEqual([])
  expect(await analytics.activeTasks()).toBe(0)
  expect(analytics.poolUse()).toBe(0)
  await pool.end()
  await other.drop()
})
