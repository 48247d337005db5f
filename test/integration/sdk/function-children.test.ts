// Durable functions that begin other tasks and signal them, on real servers: one in this process, and one that is killed.
import { Client, defineFunction, defineTask, OperationFailedError, type TaskEvent, Worker, type WorkerOptions } from '@tasker/sdk'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, afterEach, beforeAll, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { end, freeAddress, rest, startLiveServer } from '../../support/live-server.js'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { serverConfig } from './server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const PATIENCE_MS = 30_000

let database: TestDatabase
let server: RunningServer
const closing: (() => unknown)[] = []

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

const work = (options: Omit<WorkerOptions, 'url'>, url = server.grpcUrl): void => {
  const worker = new Worker({ url, signals: false, logger: silent, ...options })
  const ended = worker.run()
  closing.push(async () => {
    await worker.stop()
    await ended
  })
}

const clientOf = (url = server.grpcUrl): Client => {
  const client = new Client({ url, logger: silent })
  closing.push(() => client.close())
  return client
}

const eventsOf = async (events: AsyncIterable<TaskEvent>): Promise<readonly TaskEvent[]> => {
  const all: TaskEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

/** The task of a child with that name, as `child.started` tells it. */
const childOf = ({ data }: TaskEvent, name: string): readonly string[] => {
  const { task_id: taskId, name: named } = data as { readonly task_id: string; readonly name: string }
  return named === name ? [taskId] : []
}

const count = (events: readonly TaskEvent[], type: string): number => events.filter((event) => event.type === type).length

test('functions, typed tasks and templates by name are children with results of their types', async () => {
  const namespace = 'kinds-of-children'
  const greet = defineFunction('greet', { namespace, version: '1.0.0', input: z.object({ who: z.string() }) }, (_, { who }) => ({
    said: `hello ${who}`,
  }))
  const order = defineTask('order', { namespace, version: '1.0.0', input: z.object({ n: z.number() }) }).step(
    'double',
    ({ input }) => ({ is: 2 * input.n }),
  )
  const parent = defineFunction('parent', { namespace, version: '1.0.0' }, async (ctx) => {
    const { greeting, sum, again } = await ctx.all({
      greeting: ctx.child(greet, { who: 'Ada' }),
      sum: ctx.child(order, { n: 21 }),
      again: ctx.child<{ said: string }>('greet', { who: 'Bob' }, { key: 'by name' }),
    })
    expectTypeOf(greeting).toEqualTypeOf<{ said: string }>()
    expectTypeOf(sum.double.is).toEqualTypeOf<number>()
    return { greeting: greeting.said, sum: sum.double.is, again: again.said }
  })
  work({ namespace, tasks: [greet, order, parent] })
  const handle = await clientOf().submit(parent, {})
  expect(await handle.result()).toEqual({ greeting: 'hello Ada', sum: 42, again: 'hello Bob' })
})

test('a child that fails, or was never to be, is an error with its code; a loser of a race is cancelled', async () => {
  const namespace = 'ends-of-children'
  const fails = defineFunction('fails', { namespace, version: '1.0.0' }, () => {
    throw Object.assign(new Error('nothing left'), { code: 'NO_STOCK' })
  })
  const waits = defineFunction('waits', { namespace, version: '1.0.0' }, async (ctx) => {
    await ctx.waitForSignal('never')
  })
  const parent = defineFunction('parent', { namespace, version: '1.0.0' }, async (ctx) => {
    const codes: string[] = []
    const noted = async (child: Promise<unknown>): Promise<void> => {
      await child.catch((error: unknown) => codes.push(error instanceof OperationFailedError ? error.code : String(error)))
    }
    await noted(ctx.child(fails, {}))
    await noted(ctx.child('nobody', {}))
    await ctx.race([(branch) => branch.child(waits, {}), ctx.sleep('50ms')])
    return codes
  })
  work({ namespace, tasks: [fails, waits, parent] })
  const client = clientOf()
  const handle = await client.submit(parent, {})
  expect(await handle.result()).toEqual(['NO_STOCK', 'TEMPLATE_NOT_FOUND'])
  const events = await eventsOf(handle.events())
  const [loser] = events.flatMap((event) => (event.type === 'child.started' ? childOf(event, 'waits') : []))
  const ended = await fetch(`${server.restUrl}/v1/tasks/${loser}/result?wait_seconds=10`)
  expect(await ended.json()).toMatchObject({ status: 'cancelled' })
})

test('a step of a typed task is a function, and knows the type of its result', async () => {
  const namespace = 'function-steps'
  const approval = defineFunction('approval', { namespace, version: '1.0.0' }, async (ctx, { total }: { total: number }) => {
    await ctx.sleep('20ms')
    return { ok: total > 5 }
  })
  const order = defineTask('order', { namespace, version: '1.0.0' })
    .step('price', () => ({ total: 7 }))
    .step('ask', { after: ['price'], input: { total: '${deps.price.total}' } }, approval)
    .step('ship', { after: ['ask'] }, ({ deps }) => (deps.ask.ok ? 'shipped' : 'kept'))
  work({ namespace, tasks: [order, approval] })
  const handle = await clientOf().submit(order, {})
  expect(await handle.result()).toEqual({ ship: 'shipped' })
  const shown = await fetch(`${server.restUrl}/v1/tasks/${handle.taskId}/graph`)
  expect(await shown.json()).toMatchObject({ children: [{ parent_step_id: 'ask', name: 'approval', status: 'complete' }] })
})

test('a function signals another task, and is told when there is none to take it', async () => {
  const namespace = 'signals-between'
  const hears = defineFunction('hears', { namespace, version: '1.0.0' }, (ctx) => ctx.waitForSignal<{ n: number }>('go'))
  const tells = defineFunction('tells', { namespace, version: '1.0.0' }, async (ctx, { to }: { to: string }) => {
    await ctx.signal(to, 'go', { n: 7 })
    const refused = await ctx.signal('01JD0000000000000000000000', 'go').catch((error: unknown) => error)
    return refused instanceof OperationFailedError ? refused.code : 'taken'
  })
  work({ namespace, tasks: [hears, tells] })
  const client = clientOf()
  const heard = await client.submit(hears, {})
  const told = await client.submit(tells, { to: heard.taskId })
  expect(await Promise.all([heard.result(), told.result()])).toEqual([{ n: 7 }, 'TASK_NOT_FOUND'])
})

test('children begin once and end once though the server is killed between their start and their end', async () => {
  const own = await freshDatabase()
  closing.push(() => own.drop())
  const address = await freeAddress()
  const settings = { TASKER_WORKER_GRACE_MS: '1000' }
  let live = await startLiveServer(own.url, address, settings)
  closing.push(() => end(live))
  const namespace = 'killed-children'
  const part = defineFunction('part', { namespace, version: '1.0.0' }, (ctx) => ctx.waitForSignal<number>('go'))
  const whole = defineFunction('whole', { namespace, version: '1.0.0' }, (ctx) =>
    ctx.all(Array.from({ length: 5 }, (_, n) => ctx.child(part, {}, { key: String(n) }))),
  )
  work({ namespace, tasks: [part, whole] }, address.grpcUrl)
  const client = clientOf(address.grpcUrl)
  const handle = await client.submit(whole, {})
  const children: string[] = []
  for await (const event of handle.events()) {
    if (event.type === 'child.started') children.push(...childOf(event, 'part'))
    if (children.length === 5) break
  }
  await end(live, 'SIGKILL')
  live = await startLiveServer(own.url, address, settings)
  for (const [n, taskId] of children.entries()) {
    const taken = async () => (await rest(address, `/v1/tasks/${taskId}/signals/go`, n)).status === 200 || undefined
    await until(`child ${n} takes its signal`, PATIENCE_MS, taken)
  }
  await end(live, 'SIGKILL')
  live = await startLiveServer(own.url, address, settings)
  expect(await handle.result()).toEqual([0, 1, 2, 3, 4])
  const events = await eventsOf(handle.events())
  expect([count(events, 'child.started'), count(events, 'child.ended'), count(events, 'task.completed')]).toEqual([5, 5, 1])
})
