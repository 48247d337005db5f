// Durable functions on the real server: what they do is in its log, and they go on wherever they were.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  defineFunction,
  TaskCancelledError,
  TaskFailedError,
  Worker,
  type TaskEvent,
  type WorkerOptions,
} from '@tasker/sdk'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { runProgram, type RunningProgram } from '../../support/processes.js'
import { serverConfig } from './server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

let database: TestDatabase
let server: RunningServer
const closing: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer({ ...serverConfig(database.url), workerGraceMs: 500 })
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

afterAll(async () => {
  await server.stop()
  await database.drop()
})

const work = (options: Omit<WorkerOptions, 'url'>): Worker => {
  const worker = new Worker({ url: server.grpcUrl, signals: false, logger: silent, ...options })
  const ended = worker.run()
  closing.push(async () => {
    await worker.stop()
    await ended
  })
  return worker
}

const clientOf = (): Client => {
  const client = new Client({ url: server.grpcUrl, logger: silent })
  closing.push(() => client.close())
  return client
}

const typesOf = async (events: AsyncIterable<TaskEvent>): Promise<readonly string[]> => {
  const types: string[] = []
  for await (const { type } of events) types.push(type)
  return types
}

const renewal = (namespace: string) => {
  const ran: string[] = []
  const definition = defineFunction(
    'renewal',
    { namespace, version: '1.0.0', input: z.object({ plan: z.string(), months: z.number().default(2) }) },
    async (ctx, input) => {
      ctx.setState('phase', 'trial')
      const customer = await ctx.step('create customer', async () => {
        ran.push('create customer')
        return { plan: input.plan, at: new Date(0) }
      })
      const charges: string[] = []
      for (let month = 1; month <= input.months; month++) {
        await ctx.sleep('50ms')
        charges.push(
          await ctx.step('charge', () => {
            ran.push(`charge ${month}`)
            return `month ${month}`
          }),
        )
      }
      const isNew = ctx.patched('thanks')
      const both = await ctx.all({
        mail: (branch) => branch.step('mail', () => (isNew ? 'thanks' : 'none')),
        log: (branch) => branch.step('log', () => ctx.taskId === branch.taskId),
      })
      ctx.setState('phase', 'over')
      return { at: customer.at, charges, both }
    },
  )
  return { ran, definition }
}

test.each([{}, { replayFunctionsAlways: true }, { functionCacheBytes: 0 }])(
  'a function does each of its steps once, sleeps without a worker and gives its result: %o',
  async (options) => {
    const namespace = `renewal-${Object.keys(options).join('') || 'kept'}`.toLowerCase()
    const { ran, definition } = renewal(namespace)
    work({ namespace, tasks: [definition], ...options })
    const handle = await clientOf().submit(definition, { plan: 'basic' })
    const types = await typesOf(handle.events())
    expect(await handle.result()).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      charges: ['month 1', 'month 2'],
      both: { mail: 'thanks', log: true },
    })
    expect(ran).toEqual(['create customer', 'charge 1', 'charge 2'])
    expect(types.filter((type) => type === 'step.suspended')).toHaveLength(2)
    expect(types.filter((type) => type === 'timer.fired')).toHaveLength(2)
    expect(types.at(-1)).toBe('task.completed')
  },
)

test('a function that fails takes back what it did, the last first, and its task has failed with the code', async () => {
  const back: string[] = []
  const trip = defineFunction('trip', { namespace: 'trip', version: '1.0.0' }, async (ctx) => {
    for (const what of ['flight', 'hotel']) {
      await ctx.step(what, () => what)
      ctx.compensate(`cancel ${what}`, () => back.push(what))
    }
    await ctx.step('car', () => Promise.reject(Object.assign(new Error('sold out'), { code: 'SOLD_OUT' })), {
      retry: { maxAttempts: 2, backoff: 'none' },
    })
  })
  work({ namespace: 'trip', tasks: [trip] })
  const handle = await clientOf().submit(trip, {})
  const error: unknown = await handle.result().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskFailedError)
  expect(error).toMatchObject({ failureCode: 'SOLD_OUT' })
  expect(back).toEqual(['hotel', 'flight'])
})

test('a cancelled function hears it in its sleep and cleans up', async () => {
  const back: string[] = []
  const long = defineFunction('long', { namespace: 'long', version: '1.0.0' }, async (ctx) => {
    ctx.compensate('undo', () => back.push('undone'))
    await ctx.sleep('365d')
  })
  work({ namespace: 'long', tasks: [long] })
  const handle = await clientOf().submit(long, {})
  for await (const event of handle.events()) if (event.type === 'step.suspended') break
  await handle.cancel('no more')
  expect(await handle.result().catch((thrown: unknown) => thrown)).toBeInstanceOf(TaskCancelledError)
  expect(back).toEqual(['undone'])
})

test('a function that continues begins anew with another input', async () => {
  const drawn = new Set<string>()
  const loop = defineFunction(
    'loop',
    { namespace: 'loop', version: '1.0.0' },
    async (ctx, { left, sum }: { left: number; sum: number }) => {
      drawn.add(ctx.uuid())
      const next = await ctx.step('add', () => sum + left)
      return left === 0 ? { sum: next } : ctx.continueAs({ left: left - 1, sum: next })
    },
  )
  work({ namespace: 'loop', tasks: [loop] })
  const handle = await clientOf().submit(loop, { left: 3, sum: 0 })
  const types = await typesOf(handle.events())
  expect(await handle.result()).toEqual({ sum: 6 })
  expect(types.filter((type) => type === 'function.continued')).toHaveLength(3)
  expect(drawn.size).toBe(4)
})

test('signals are taken in their order, also those that came early, and a wait may have an end', async () => {
  const approval = defineFunction('approval', { namespace: 'approval', version: '1.0.0' }, async (ctx) => {
    ctx.setState('phase', 'waiting')
    const first = await ctx.waitForSignal<{ by: string }>('answer')
    const second = await ctx.waitForSignal<{ by: string }>('answer', { where: ({ by }) => by !== 'nobody' })
    ctx.setState('phase', 'late')
    const none = await ctx.waitForSignal('reminder', { timeout: '30ms' })
    return [first.by, second.by, none === undefined]
  })
  const client = clientOf()
  const handle = await client.submit(approval, {}, { signal: { name: 'answer', payload: { by: 'ann' } } })
  work({ namespace: 'approval', tasks: [approval] })
  await handle.signal('answer', { by: 'nobody' })
  for await (const event of handle.events()) if (event.type === 'step.suspended') break
  expect(await handle.shown()).toEqual({ phase: 'waiting' })
  await handle.signal('answer', { by: 'bob' })
  expect(await handle.result()).toEqual(['ann', 'bob', true])
  expect(await handle.shown('phase')).toBe('late')
})

test('a function whose worker is killed in a step goes on in another process: what was recorded is not done again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-function-'))
  const [ledger, gate] = [join(folder, 'ledger'), join(folder, 'gate')]
  const start = (): RunningProgram =>
    runProgram(['test/dist/integration/sdk/function-worker-process.js', server.grpcUrl, ledger, gate])
  const first = start()
  await first.line(/^connected$/)
  const handle = await clientOf().submit({ namespace: 'killed', name: 'trip' }, { city: 'Lisbon' })
  await handle.signal('word', 'early')
  await first.line(/^in the hotel$/)
  first.kill('SIGKILL')
  await first.exited
  const second = start()
  await second.line(/^in the hotel$/)
  writeFileSync(gate, '')
  expect(await handle.result()).toEqual({
    flight: { to: 'Lisbon', seat: 26 },
    word: 'early',
    hotel: 'double',
    drawn: 36,
  })
  expect(readFileSync(ledger, 'utf8')).toBe(`flight ${first.pid}\nhotel ${first.pid}\nhotel ${second.pid}\n`)
  expect(await handle.shown('phase')).toBe('booked')
  second.kill('SIGTERM')
  expect(await second.exited).toBe(0)
  rmSync(folder, { recursive: true })
})

test('a function whose code does not fit its journal waits for a person, and nothing of it is lost', async () => {
  const step = (name: string) =>
    defineFunction('changed', { namespace: 'changed', version: '1.0.0' }, async (ctx) => {
      const done = await ctx.step(name, () => name)
      await ctx.waitForSignal('go')
      return done
    })
  const worker = work({ namespace: 'changed', tasks: [step('charge')] })
  const client = clientOf()
  const handle = await client.submit(step('charge'), {})
  for await (const event of handle.events()) if (event.type === 'step.suspended') break
  await worker.drain()
  const other = work({ namespace: 'changed', tasks: [step('refund')] })
  await handle.signal('go')
  for await (const event of handle.events()) {
    if (event.type !== 'function.diverged') continue
    expect(event.data).toMatchObject({
      expected: 'the step charge',
      actual: 'the step refund',
      line: expect.stringMatching(/functions\.test\.ts:\d+:\d+$/) as string,
    })
    break
  }
  expect((await handle.state()).status).toBe('diverged')
  const told = JSON.stringify(await handle.explain())
  for (const way of ['the step charge', 'the step refund', '`patched`', 'retry the task', 'functions.test.ts:'])
    expect(told).toContain(way)
  await other.drain()
  work({ namespace: 'changed', tasks: [step('charge')] })
  await handle.retry('the old code is back')
  expect(await handle.result()).toBe('charge')
})
