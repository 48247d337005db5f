/** Retention on a real server and PostgreSQL: what is due goes to archives while others go on, and what went is answered for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, defineTask, type TaskDefinition, Worker } from '@tasker/sdk'
import { parseTaskId, present } from '@tasker/core'
import { archivedTaskText } from '@tasker/server/internal/archive/archived-text'
import { directoryStore } from '@tasker/server/internal/archive/directory-store'
import { findArchived } from '@tasker/server/internal/archive/find-archived'
import { checkProof } from '@tasker/server/internal/audit/check-proof'
import { type RunningServer, startServer } from '@tasker/server/internal/compose'
import type { ServerConfig } from '@tasker/server/internal/config'
import { ulid } from 'ulid'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { auditLog } from '../../support/log-audit.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { newKeyPem } from '../../support/sealed.js'
import { until } from '../../support/until.js'
import { auditFinding } from '../../support/verified.js'
import { serverConfig } from '../sdk/server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const PATIENCE_MS = 30_000

let database: TestDatabase
let directory: string
const sealKey = newKeyPem()
let server: RunningServer
let client: Client
const closing: (() => Promise<void> | void)[] = []

const start = async (more: Partial<ServerConfig> = {}): Promise<void> => {
  server = await startServer({
    ...serverConfig(database.url),
    retention: 'shop=1s,audit=keep',
    sealKey,
    sealAfterMs: 100,
    archiveDir: directory,
    archiveBatchTasksMax: 20,
    archivePauseMs: 0,
    archiveIntervalMs: 100,
    ...more,
  })
  client = new Client({ url: server.grpcUrl, logger: silent })
}
const stop = async (): Promise<void> => {
  client.close()
  await server.stop()
}

beforeAll(async () => {
  database = await freshDatabase()
  directory = mkdtempSync(join(tmpdir(), 'tasker-archive-'))
  await start()
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(async () => {
  await stop()
  await database.drop()
  rmSync(directory, { recursive: true, force: true })
})

const work = (namespace: string, definition: TaskDefinition): void => {
  const worker = new Worker({ url: server.grpcUrl, namespace, tasks: [definition], slots: 20, signals: false, logger: silent })
  const ended = worker.run()
  closing.push(async () => {
    await worker.stop()
    await ended
  })
}

const rest = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(`${server.restUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> }
}

const count = async (sql: string): Promise<number> => Number((await query(database.url, sql))[0]?.['n'])

const order = (namespace: string) =>
  defineTask('order', { namespace, version: '1.0.0' })
    .step('charge', () => ({ receipt: 'R-7' }))
    .step('ship', { after: ['charge'] }, ({ deps }) => deps.charge.receipt)

const untilArchived = (tasks: number) =>
  until(`${tasks} tasks are archived`, PATIENCE_MS, async () => {
    const { body } = await rest('GET', '/v1/retention')
    return Number(body['archived_tasks']) >= tasks && body['pending_archives'] === 0 ? body : undefined
  })

const untilGone = (taskId: string) =>
  until(`${taskId} is archived`, PATIENCE_MS, async () => {
    const { status, body } = await rest('GET', `/v1/tasks/${taskId}`)
    return status === 409 ? body : undefined
  })

const rules = { dependencies: { charge: [], ship: ['charge'] }, attemptsMax: 3 }

describe('tasks that have been over for longer than their namespace keeps them', () => {
  test('go to an archive while others are submitted and run, and nothing of the log is broken', async () => {
    const shop = order('shop')
    const audit = order('audit')
    work('shop', shop)
    work('audit', audit)
    const first = await Promise.all(Array.from({ length: 50 }, () => client.submit(shop, {})))
    const kept = await Promise.all(Array.from({ length: 5 }, () => client.submit(audit, {})))
    await Promise.all([...first, ...kept].map((handle) => handle.result()))
    let archived = 0
    let submitted = first.length
    while (archived < first.length) {
      const more = await client.submit(shop, {})
      expect(await more.result()).toEqual({ ship: 'R-7' })
      submitted++
      archived = Number((await rest('GET', '/v1/retention')).body['archived_tasks'])
    }
    await untilArchived(submitted)
    expect(await count(`select count(*) as n from event_commit where types @> array['task.archived']`)).toBe(submitted)
    expect(await count(`select count(*) as n from event_commit where stream_kind = 'task' and namespace = 'shop'`)).toBe(
      submitted,
    )
    expect(await count(`select count(*) as n from task where namespace = 'shop'`)).toBe(0)
    expect(await count(`select count(*) as n from task where namespace = 'audit'`)).toBe(kept.length)
    const sound = await auditLog(database.url, rules)
    expect(sound.problems).toEqual([])
    expect([...sound.tasks.values()].map(({ end }) => end)).toEqual(
      Array.from({ length: submitted + kept.length }, () => 'task.completed'),
    )
    expect(await auditFinding(database.url)).toBeUndefined()
    // What the hours counted is what it was, and what is built again from the log can add what went.
    const sums = `select sum(completed) filter (where step = '') as n from`
    expect(await count(`${sums} activity where namespace = 'shop'`)).toBe(submitted)
    expect(await count(`${sums} archived_activity where namespace = 'shop'`)).toBe(submitted)
    expect((await rest('GET', '/v1/tasks?namespace=shop')).body['tasks']).toEqual([])
    expect((await rest('GET', `/v1/tasks/${kept[0]?.taskId}`)).status).toBe(200)
  }, 60_000)

  test('are answered for: reads, orders and repeats say where they lie, and the archive shows them', async () => {
    const shop = order('shop')
    work('shop', shop)
    const requestId = ulid()
    const body = { namespace: 'shop', name: 'order', context: {}, request_id: requestId, idempotency_key: 'K-1' }
    const created = await rest('POST', '/v1/tasks', body)
    expect(created.status).toBe(201)
    const taskId = present(parseTaskId(String(created.body['task_id'])), 'the id of the task')
    const before = await until('the task is complete', PATIENCE_MS, async () => {
      const task = await rest('GET', `/v1/tasks/${taskId}`)
      return task.body['status'] === 'complete' ? task.body : undefined
    })
    const history = (await rest('GET', `/v1/tasks/${taskId}/events`)).body['events']
    const gone = await untilGone(taskId)
    expect(gone).toMatchObject({ reason: 'TASK_ARCHIVED', task_id: taskId, status: 409, retryable: false })
    expect(gone['hint']).toBe(`tasker task get ${taskId} --archive`)
    for (const path of ['cancel', 'pause', 'resolve'])
      expect((await rest('POST', `/v1/tasks/${taskId}/${path}`, {})).body).toMatchObject({ reason: 'TASK_ARCHIVED' })
    for (const path of ['events', 'result', 'graph', 'explain', 'summary'])
      expect((await rest('GET', `/v1/tasks/${taskId}/${path}`)).body).toMatchObject({ reason: 'TASK_ARCHIVED' })

    // The request is known for ever; its key is free.
    const streams = `select count(distinct stream_id) as n from event_commit where stream_kind = 'task'`
    const streamsBefore = await count(streams)
    expect((await rest('POST', '/v1/tasks', body)).body).toMatchObject({ reason: 'TASK_ARCHIVED', task_id: taskId })
    expect((await rest('POST', '/v1/tasks', { ...body, on_duplicate: 'return' })).body).toMatchObject({ reason: 'TASK_ARCHIVED' })
    expect(await count(streams)).toBe(streamsBefore)
    expect((await rest('POST', '/v1/tasks', { ...body, request_id: ulid() })).status).toBe(201)

    const shown = await rest('GET', `/v1/archive/tasks/${taskId}`)
    expect(shown.status).toBe(200)
    for (const name of ['context', 'result', 'status', 'created_at', 'ended_at', 'stream_version', 'tags', 'template_hash'])
      expect(shown.body[name]).toEqual(before[name])
    expect(shown.body['steps']).toMatchObject([
      { step_id: 'charge', status: 'complete', attempts: 1, output: { receipt: 'R-7' } },
      { step_id: 'ship', status: 'complete', output: 'R-7' },
    ])
    expect(shown.body['events']).toMatchObject(
      (history as readonly { version: number; type: string; data: unknown }[]).map(({ version, type, data }) => ({
        version,
        type,
        data,
      })),
    )
    expect((await rest('GET', `/v1/archive/tasks/${ulid()}`)).body).toMatchObject({ reason: 'NOT_IN_ARCHIVE', code: 'NOT_FOUND' })

    const proof = await rest('GET', `/v1/tasks/${taskId}/proof`)
    expect(checkProof(proof.body)).toMatchObject({ type: 'sound', taskId, lastType: 'task.completed' })

    const found = present(await findArchived(directoryStore(directory), taskId), 'the task in the directory')
    expect(JSON.parse(archivedTaskText(found))).toEqual(shown.body)
  }, 60_000)

  test('count in the sums of their hours, which are what the log says, and the same when they are built anew', async () => {
    work('shop', order('shop'))
    await untilGone(String((await rest('POST', '/v1/tasks', { namespace: 'shop', name: 'order', context: {} })).body['task_id']))
    await until('all that is due is archived', PATIENCE_MS, async () => {
      const { body } = await rest('GET', '/v1/retention')
      const open = await count(`select count(*) as n from task where namespace = 'shop'`)
      return open === 0 && body['pending_archives'] === 0 ? body : undefined
    })
    expect((await rest('POST', '/v1/projections/verify')).status).toBe(202)
    const verified = await until('the rows are compared', PATIENCE_MS, async () => {
      const verification = (await rest('GET', '/v1/projections/verify')).body['verification'] as Readonly<Record<string, unknown>>
      return verification['state'] === 'running' ? undefined : verification
    })
    expect(verified).toMatchObject({ state: 'done', differences: {}, first_difference: null, not_compared: [] })
    const sums = () => query(database.url, 'select * from activity order by hour_ms, namespace, name, version, step')
    const before = await sums()
    const built = await count(`select extract(epoch from built_at) as n from projection where name = 'activity'`)
    expect((await rest('POST', '/v1/projections/activity/rebuild')).status).toBe(202)
    await until('the sums are built anew', PATIENCE_MS, async () => {
      const at = await count(`select extract(epoch from built_at) as n from projection where name = 'activity'`)
      return at > built ? at : undefined
    })
    expect(await sums()).toEqual(before)
  }, 60_000)

  test('stay archived through a restart, and so do the requests that made them', async () => {
    const requestId = ulid()
    work('shop', order('shop'))
    const body = { namespace: 'shop', name: 'order', context: {}, request_id: requestId }
    const taskId = String((await rest('POST', '/v1/tasks', body)).body['task_id'])
    await untilGone(taskId)
    for (const close of closing.splice(0).reverse()) await close()
    await stop()
    await start()
    expect((await rest('GET', `/v1/tasks/${taskId}`)).body).toMatchObject({ reason: 'TASK_ARCHIVED' })
    expect((await rest('POST', '/v1/tasks', body)).body).toMatchObject({ reason: 'TASK_ARCHIVED', task_id: taskId })
    expect((await auditLog(database.url, rules)).problems).toEqual([])
    expect((await rest('GET', '/health')).body).toMatchObject({ status: 'ok' })
  }, 60_000)
})
