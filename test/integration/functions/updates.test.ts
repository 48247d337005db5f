/** Requests to a durable function at every door: a real server on a real PostgreSQL, a worker of the SDK, callers over REST, gRPC and the command line. */
import { Client, defineFunction, PermanentError, Worker } from '@tasker/sdk'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { tasker } from '../cli/processes.js'
import { serverConfig } from '../sdk/server-config.js'

const cart = defineFunction('cart', { namespace: 'shop', version: '1.0.0' }, async (ctx) => {
  const items: string[] = []
  let closed = false
  ctx.onUpdate('add', z.object({ item: z.string() }), async ({ item }, update) => {
    if (item === 'wine') throw new PermanentError('no wine for you', { code: 'TOO_YOUNG' })
    await update.step('reserve', () => item)
    return { count: items.push(item) }
  })
  ctx.onUpdate('close', z.null(), () => {
    closed = true
  })
  ctx.onUpdate('hang', z.null(), (_, update) => update.waitForSignal('never'))
  await ctx.until(() => closed)
  return items
})

let database: TestDatabase
let server: RunningServer
let client: Client
let worker: Worker
let working: Promise<void>

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
  client = new Client({ url: server.grpcUrl })
  worker = new Worker({ url: server.grpcUrl, namespace: 'shop', tasks: [cart] })
  working = worker.run()
})
afterAll(async () => {
  client.close()
  await worker.drain()
  await working
  await server.stop()
  await database.drop()
})

const post = async (path: string, body: string, requestId?: string) => {
  const headers = { 'content-type': 'application/json', ...(requestId === undefined ? {} : { 'tasker-request-id': requestId }) }
  const response = await fetch(`${server.restUrl}${path}`, { method: 'POST', body, headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('a function answers over REST, gRPC and the command line, the same update once, also when the task is over', async () => {
  const handle = await client.submit(cart, {})
  const path = `/v1/tasks/${handle.taskId}/updates`
  const first = await post(`${path}/add`, '{"item":"tea"}', 'first')
  expect(first).toEqual({
    status: 200,
    body: {
      task_id: handle.taskId,
      name: 'add',
      request_id: 'first',
      outcome: 'succeeded',
      result: { count: 1 },
      failure: null,
    },
  })
  expect(await post(`${path}/add`, '{"item":"coffee"}', 'first')).toEqual(first)
  expect(await handle.update('add', { item: 'milk' })).toEqual({ count: 2 })
  const asked = ['task', 'update', handle.taskId, 'add', '--payload', '{"item":"rice"}', '--url', server.restUrl]
  expect(await tasker([...asked, '--request-id', 'third', '--json'])).toMatchObject({
    exitCode: 0,
    out: expect.stringContaining('{"count":3}') as string,
  })
  expect(await tasker([...asked, '--request-id', 'third'])).toEqual({ exitCode: 0, out: '{\n  "count": 3\n}\n', err: '' })
  await handle.update('close')
  expect(await handle.result()).toEqual(['tea', 'milk', 'rice'])
  expect(await post(`${path}/add`, 'null', 'first')).toEqual(first)
  expect(await post(`${path}/add`, '{"item":"late"}', 'late')).toMatchObject({ status: 409, body: { reason: 'TASK_FINISHED' } })
}, 60_000)

test('what is refused, what fails and what is not answered yet are told apart', async () => {
  const handle = await client.submit(cart, {})
  const path = `/v1/tasks/${handle.taskId}/updates`
  const misfit = await post(`${path}/add`, '{"item":7}')
  expect(misfit).toMatchObject({ status: 422, body: { code: 'INVALID_INPUT', reason: 'UPDATE_REFUSED' } })
  expect(misfit.body['detail']).toContain('/item')
  expect(await post(`${path}/remove`, 'null')).toMatchObject({ status: 422, body: { reason: 'UNKNOWN_UPDATE' } })
  expect(await post(`${path}/add`, '{"item":"wine"}')).toMatchObject({
    status: 200,
    body: { outcome: 'failed', failure: { code: 'TOO_YOUNG', message: 'no wine for you' } },
  })
  expect(await post(`${path}/hang?wait_seconds=0`, 'null', 'hangs')).toMatchObject({ status: 202, body: { outcome: 'pending' } })
  expect(await post(`${path}/add`, '{"item":"tea"}', 'hangs')).toMatchObject({
    status: 409,
    body: { reason: 'UPDATE_ID_IN_USE' },
  })
  expect(await post(`${path}/add`, `"${'x'.repeat(70_000)}"`)).toMatchObject({
    status: 413,
    body: { reason: 'UPDATE_TOO_LARGE' },
  })
  expect(await post(`/v1/tasks/01ARZ3NDEKTSV4RRFFQ69G5FAV/updates/add`, 'null')).toMatchObject({ status: 404 })

  const cli = (...more: readonly string[]) => tasker(['task', 'update', handle.taskId, ...more, '--url', server.restUrl])
  expect(await cli('remove')).toMatchObject({ exitCode: 1, err: expect.stringContaining('UNKNOWN_UPDATE') as string })
  expect(await cli('hang', '--request-id', 'hangs', '--wait-seconds', '1')).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('--request-id hangs') as string,
  })
  await handle.update('close')
  expect(await handle.result()).toEqual([])
  expect(await post(`${path}/hang`, 'null', 'hangs')).toMatchObject({
    status: 200,
    body: { outcome: 'failed', failure: { code: 'UPDATE_NOT_ANSWERED' } },
  })
}, 60_000)

test('an update waits for the worker of its function', async () => {
  const handle = await client.submit(cart, {})
  expect(await handle.update('add', { item: 'tea' }, { id: 'one' })).toEqual({ count: 1 })
  await worker.drain()
  await working
  const asked = handle.update('add', { item: 'milk' }, { id: 'two' })
  const hears = await post(`/v1/tasks/${handle.taskId}/updates/add?wait_seconds=0`, '{"item":"milk"}', 'two')
  expect(hears).toMatchObject({ status: 202 })
  worker = new Worker({ url: server.grpcUrl, namespace: 'shop', tasks: [cart] })
  working = worker.run()
  expect(await asked).toEqual({ count: 2 })
  await handle.update('close')
  expect(await handle.result()).toEqual(['tea', 'milk'])
}, 60_000)
