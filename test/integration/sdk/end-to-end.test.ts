// The SDK against the real server: definitions, workers, clients and what goes wrong between them.
import { createServer, connect, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import {
  Client,
  defineStep,
  defineTask,
  PermanentError,
  RetryableError,
  TaskBlockedError,
  TaskCancelledError,
  Worker,
  type StepContext,
  type WorkerOptions,
} from '@tasker/sdk'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { serverConfig } from './server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

let database: TestDatabase
let server: RunningServer
const closing: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

afterAll(async () => {
  await server.stop()
  await database.drop()
})

const work = (options: Omit<WorkerOptions, 'url'> & { readonly url?: string }): Worker => {
  const worker = new Worker({ url: server.grpcUrl, signals: false, logger: silent, ...options })
  const ended = worker.run()
  closing.push(async () => {
    await worker.stop()
    await ended
  })
  return worker
}

const clientOf = (url = server.grpcUrl): Client => {
  const client = new Client({ url, logger: silent })
  closing.push(() => client.close())
  return client
}

test('a typed task goes from its submission to its result, with a retry on the way', async () => {
  const order = defineTask('order', {
    namespace: 'e2e',
    version: '1.0.0',
    input: z.object({ orderId: z.string(), count: z.number().default(2) }),
  })
    .step('validate', ({ input }) => ({ total: input.count * 21 }))
    .step('charge', { after: ['validate'], retry: { maxAttempts: 3, backoff: 'none' } }, ({ deps, isRetry }) => {
      if (!isRetry) throw new RetryableError('busy', { code: 'BUSY' })
      return { paid: deps.validate.total }
    })
    .step('label', { after: ['validate'] }, ({ input }) => input.orderId)
    .step('ship', { after: ['charge', 'label'] }, ({ deps }) => `${deps.label}: ${deps.charge.paid}`)
  work({ namespace: 'e2e', tasks: [order] })
  const client = clientOf()
  const handle = await client.submit(order, { orderId: 'A-1' })
  const types: string[] = []
  for await (const event of handle.events()) types.push(event.type)
  expect(await handle.result()).toEqual({ ship: 'A-1: 42' })
  expect(types[0]).toBe('task.submitted')
  expect(types.at(-1)).toBe('task.completed')
  expect(types.filter((type) => type === 'step.completed')).toHaveLength(4)
  expect(types.filter((type) => type === 'step.failed')).toHaveLength(1)
  const state = await handle.state()
  expect(state).toMatchObject({ status: 'complete', namespace: 'e2e', name: 'order', input: { orderId: 'A-1' } })
  expect(state.steps.find((step) => step.stepId === 'charge')).toMatchObject({
    attempts: 2,
    status: 'complete',
    output: { paid: 42 },
  })
  const page = await client.list({ namespace: 'e2e', consistencyTokens: [handle.consistencyToken] })
  expect(page.tasks.map((task) => task.taskId)).toContain(handle.taskId)
})

test('many tasks at once all reach their own results', async () => {
  const square = defineTask('square', { namespace: 'many', version: '1.0.0', input: z.object({ n: z.number() }) })
    .step('first', async ({ input }) => input.n)
    .step('second', { after: ['first'] }, ({ deps }) => deps.first * deps.first)
  work({ namespace: 'many', tasks: [square] })
  const client = clientOf()
  const results = await Promise.all(
    Array.from({ length: 300 }, async (_, n) => {
      const handle = await client.submit(square, { n })
      return (await handle.result()).second
    }),
  )
  expect(results).toEqual(Array.from({ length: 300 }, (_, n) => n * n))
})

test('a permanent failure blocks the task, and the result says which step', async () => {
  const task = defineTask('refused', { namespace: 'blocked', version: '1.0.0' }).step('charge', () => {
    throw new PermanentError('card refused', { code: 'CARD_REFUSED' })
  })
  work({ namespace: 'blocked', tasks: [task] })
  const handle = await clientOf().submit(task, {})
  const error = await handle.result().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskBlockedError)
  expect(error).toMatchObject({ steps: [{ stepId: 'charge', failure: { code: 'CARD_REFUSED', retryable: false } }] })
})

test('a cancelled task aborts its running handler and rejects its result', async () => {
  let seen: AbortSignal | undefined
  const handler = ({ signal }: StepContext) =>
    new Promise((_, reject) => {
      seen = signal
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  const task = defineTask('endless', { namespace: 'cancelled', version: '1.0.0' }).step('wait', handler)
  work({ namespace: 'cancelled', tasks: [task] })
  const handle = await clientOf().submit(task, {})
  for await (const event of handle.events()) if (event.type === 'step.started') break
  await handle.cancel('customer left')
  const error = await handle.result().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskCancelledError)
  expect(error).toMatchObject({ cancelReason: 'customer left' })
  expect(seen?.aborted).toBe(true)
})

test('handlers that throw a text, return a BigInt, a cycle or nothing, or never end, give what was promised', async () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const returned = new Map<string, unknown>([
    ['bigint', { n: 1n }],
    ['cycle', cyclic],
    ['nothing', undefined],
    ['never', new Promise(() => undefined)],
  ])
  // A handler's errors are anything at all in JavaScript.
  const thrown: unknown = 'out of paper'
  const kind = (name: string) =>
    defineTask(name, { namespace: 'bad', version: '1.0.0' }).step('s', { retry: { retryable: false }, timeout: 300 }, () => {
      if (name === 'text') throw thrown
      return returned.get(name)
    })
  const tasks = ['text', 'bigint', 'cycle', 'never', 'nothing'].map(kind)
  work({ namespace: 'bad', tasks })
  const client = clientOf()
  const ends = await Promise.all(
    tasks.map(async (task) => {
      const handle = await client.submit(task, {})
      return handle.result().catch((error: unknown) => (error instanceof TaskBlockedError ? error.steps[0]?.failure.code : error))
    }),
  )
  expect(ends).toEqual([
    'HANDLER_THREW_NON_ERROR',
    'RESULT_NOT_SERIALIZABLE',
    'RESULT_NOT_SERIALIZABLE',
    'STEP_TIMED_OUT',
    { s: null },
  ])
})

test('what the server refuses has its code, reason and places', async () => {
  const client = clientOf()
  await expect(client.submit({ namespace: 'e2e', name: 'no_such_task' }, {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(client.task('01JGZZZZZZ0000000000000001').state()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const strict = defineTask('strict', { namespace: 'e2e', version: '1.0.0', input: z.object({ id: z.string() }) }).step(
    's',
    () => null,
  )
  await client.submit(strict, { id: 'x' })
  await expect(client.submit({ namespace: 'e2e', name: 'strict' }, { id: 1 })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    errors: [expect.objectContaining({ path: expect.stringContaining('id') as string }) as object],
  })
  const keyed = await client.submit(strict, { id: 'x' }, { idempotencyKey: 'K' })
  const again = await client.submit(strict, { id: 'x' }, { idempotencyKey: 'K', onDuplicate: 'return' })
  expect(again).toMatchObject({ taskId: keyed.taskId, existing: true })
  await expect(client.submit(strict, { id: 'x' }, { idempotencyKey: 'K' })).rejects.toMatchObject({
    code: 'CONFLICT',
    context: { task_id: keyed.taskId },
  })
})

/** A way to the server that can be cut. */
const cuttableWay = async (): Promise<{ url: string; cut: () => void }> => {
  const [host = '', port = ''] = server.grpcUrl.split(':')
  const sockets = new Set<Socket>()
  const way: Server = createServer((inward) => {
    const outward = connect(Number(port), host)
    for (const socket of [inward, outward]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        inward.destroy()
        outward.destroy()
      })
    }
    inward.pipe(outward).pipe(inward)
  })
  way.listen(0, '127.0.0.1')
  await once(way, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  closing.push(() => {
    cut()
    way.close()
  })
  const address = way.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return { url: `127.0.0.1:${address.port}`, cut }
}

test('a connection that breaks again and again costs no attempt and no task', async () => {
  const way = await cuttableWay()
  const runs = new Map<string, number>()
  const slow = async ({ taskId, stepId }: StepContext) => {
    const key = `${taskId}/${stepId}`
    runs.set(key, (runs.get(key) ?? 0) + 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    return taskId
  }
  work({ url: way.url, namespace: 'cut', handlers: [defineStep('Slow.One', slow), defineStep('Slow.Two', slow)] })
  const client = clientOf(way.url)
  const plain = clientOf()
  const two = defineTask('two', { namespace: 'cut', version: '1.0.0' })
    .step('a', slow)
    .step('b', { after: ['a'] }, slow)
  work({ url: way.url, namespace: 'cut', tasks: [two] })
  const results = Array.from({ length: 100 }, async () => {
    const handle = await client.submit(two, {})
    return [handle.taskId, (await handle.result()).b] as const
  })
  const cutting = setInterval(way.cut, 120)
  const done = await Promise.all(results)
  clearInterval(cutting)
  for (const [taskId, result] of done) expect(result).toBe(taskId)
  expect(new Set(done.map(([taskId]) => taskId)).size).toBe(100)
  expect(Math.max(...runs.values())).toBe(1)
  expect((await plain.list({ namespace: 'cut', limit: 500 })).tasks).toHaveLength(100)
})

test('a drained worker finishes its step, and its work goes on elsewhere', async () => {
  let open: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const task = defineTask('drained', { namespace: 'drain', version: '1.0.0' })
    .step('a', async ({ heartbeat }) => {
      heartbeat({ waiting: true })
      await gate
      return 'a'
    })
    .step('b', { after: ['a'] }, ({ deps }) => `${deps.a}b`)
  const leaving = new Worker({ url: server.grpcUrl, namespace: 'drain', tasks: [task], signals: false, logger: silent })
  const gone = leaving.run()
  const handle = await clientOf().submit(task, {})
  for await (const event of handle.events()) if (event.type === 'step.started') break
  const drained = leaving.drain()
  work({ namespace: 'drain', tasks: [task] })
  open()
  await Promise.all([drained, gone])
  expect(await handle.result()).toEqual({ b: 'ab' })
})
