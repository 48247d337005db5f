// Handlers of every kind against the real server: decisions, batches and checkpoints of typed definitions, and resolvers of YAML templates.
import {
  classLookup,
  Client,
  defineBatchAnalyzer,
  defineBatchWorker,
  defineStep,
  defineTask,
  failure,
  StepHandler,
  success,
  TaskBlockedError,
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
let client: Client
const stopping: (() => Promise<void>)[] = []

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
  client = new Client({ url: server.grpcUrl, logger: silent })
})

afterEach(async () => {
  for (const stop of stopping.splice(0)) await stop()
})

afterAll(async () => {
  client.close()
  await server.stop()
  await database.drop()
})

const work = (options: Omit<WorkerOptions, 'url'>): Worker => {
  const worker = new Worker({ url: server.grpcUrl, signals: false, logger: silent, ...options })
  const ended = worker.run()
  stopping.push(async () => {
    await worker.stop()
    await ended
  })
  return worker
}

const register = async (yaml: string): Promise<void> => {
  const headers = { 'content-type': 'application/yaml' }
  const response = await fetch(`${server.restUrl}/v1/templates`, { method: 'POST', headers, body: yaml })
  expect(response.ok, await response.text()).toBe(true)
}

test('a typed definition decides, and goes on with what was chosen', async () => {
  const order = defineTask('decided', { namespace: 'kinds', version: '1.0.0', input: z.object({ cents: z.number() }) })
    .step('check', ({ input }) => ({ cents: input.cents }))
    .decision('choose', { after: ['check'], branches: ['auto', 'manager', 'finance'] }, ({ deps, route, skip }) => {
      if (deps.check.cents === 0) return skip('it costs nothing')
      return deps.check.cents < 100 ? route('auto') : route('manager', 'finance')
    })
    .step('auto', { after: ['choose'] }, () => 'auto')
    .step('manager', { after: ['choose'] }, () => 'manager')
    .step('sign', { after: ['manager'] }, ({ deps }) => `${deps.manager} signed`)
    .step('finance', { after: ['choose'] }, () => 'finance')
    .step('close', { after: ['auto', 'sign', 'finance'] }, ({ deps }) =>
      [deps.auto, deps.sign, deps.finance].filter((said) => said !== undefined),
    )
  work({ namespace: 'kinds', tasks: [order] })
  const results = await Promise.all(
    [5, 500, 0].map(async (cents) => {
      const handle = await client.submit(order, { cents })
      return handle.result()
    }),
  )
  expect(results[0]?.close).toEqual(['auto'])
  expect(results[1]?.close).toEqual(['manager signed', 'finance'])
  expect(results[2]?.close).toBeUndefined()
})

test('a typed definition splits its work, and the parts come together under their name', async () => {
  const sum = defineTask('summed', { namespace: 'kinds', version: '1.0.0', input: z.object({ count: z.number() }) })
    .step('load', ({ input }) => ({ count: input.count }))
    .batch(
      'squares',
      { after: ['load'], size: 3, maxWorkers: 50, parallelism: 4 },
      ({ deps, batches, noBatches, batchLimits }) => {
        const { count } = deps.load
        const size = batchLimits.batchSize ?? 1
        const starts = Array.from({ length: Math.ceil(count / size) }, (_, index) => index * size)
        if (starts.length === 0) return noBatches('nothing to square')
        return batches(starts.map((start) => ({ start, end: Math.min(start + size, count) })))
      },
      ({ batch }) => {
        const [start, end] = [Number(batch.start), Number(batch.end)]
        return {
          ofParts: batch.isNoOp ? 0 : batch.count,
          squares: Array.from({ length: end - start }, (_, i) => (start + i) ** 2),
        }
      },
    )
    .step('total', { after: ['squares', 'load'] }, ({ deps }) => ({
      loaded: deps.load.count,
      parts: deps.squares.map(({ ofParts }) => ofParts),
      squares: deps.squares.flatMap(({ squares }) => squares),
    }))
  work({ namespace: 'kinds', tasks: [sum] })
  const eight = await client.submit(sum, { count: 8 })
  expect(await eight.result()).toMatchObject({
    total: { loaded: 8, parts: [3, 3, 3], squares: [0, 1, 4, 9, 16, 25, 36, 49] },
  })
  const none = await client.submit(sum, { count: 0 })
  expect(await none.result()).toMatchObject({ total: { loaded: 0, parts: [0], squares: [] } })
})

const IMPORT = `
name: import
namespace_name: kinds
version: 1.0.0
steps:
  - name: split
    type: batchable
    handler: { callable: Import.Split, initialization: { worker_template_name: work } }
  - name: work
    type: batch_worker
    dependencies: [split]
    handler: { callable: Import.Work }
    retry: { max_attempts: 2, backoff: none }
  - name: report
    type: deferred_convergence
    dependencies: [work]
    handler: { callable: Import.Report }
`

test('a worker that dies in the middle of a batch is followed by one that goes on from the last checkpoint', async () => {
  await register(IMPORT)
  const done: string[] = []
  let died: () => void = () => undefined
  const dead = new Promise<void>((resolve) => {
    died = resolve
  })
  const split = defineBatchAnalyzer('Import.Split', ({ batches }) => batches([{ start: 0, end: 6, size: 6 }], { totalItems: 6 }))
  const report = defineStep('Import.Report', ({ getAllDependencyResults }) => getAllDependencyResults('work_'))
  const workAs = (name: string, diesAt: number) =>
    defineBatchWorker('Import.Work', async ({ batch, cursor, checkpoint, signal }) => {
      let sum = Number(cursor?.accumulated ?? 0)
      for (let item = Number(cursor?.cursor ?? batch.start); item < Number(batch.end); item++) {
        if (item === diesAt) {
          died()
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
        }
        done.push(`${name}${item}`)
        sum += item
        await checkpoint({ cursor: item + 1, itemsProcessed: item + 1, accumulated: sum })
      }
      return { sum, items: cursor?.itemsProcessed ?? 0 }
    })
  work({ namespace: 'kinds', handlers: [split, workAs('a', 4)] })
  const handle = await client.submit({ namespace: 'kinds', name: 'import' }, {})
  await dead
  await stopping.pop()?.()
  work({ namespace: 'kinds', handlers: [report, workAs('b', -1)] })
  expect(await handle.result()).toEqual({ report: [{ sum: 15, items: 4 }] })
  expect(done).toEqual(['a0', 'a1', 'a2', 'a3', 'b4', 'b5'])
})

const RESOLVED = `
name: resolved
namespace_name: kinds
version: 1.0.0
steps:
  - name: explicit
    handler: { callable: Plans.Card }
  - name: looked_up
    handler: { callable: Plans.Card, resolver: ClassLookup }
  - name: method
    handler: { callable: "Plans::Card", method: refund }
`

test('the resolver and the method that a template names find the handler, and what nobody finds blocks the task at once', async () => {
  class Card extends StepHandler {
    readonly callable = 'unused'
    call({ stepId }: StepContext) {
      return `${stepId}: class`
    }
    refund({ stepId }: StepContext) {
      return `${stepId}: refunded`
    }
  }
  await register(RESOLVED)
  await register(RESOLVED.replaceAll('ClassLookup', 'of_another_worker').replace('name: resolved', 'name: unresolved'))
  const explicit = defineStep('Plans.Card', ({ stepId }) => `${stepId}: function`)
  work({ namespace: 'kinds', handlers: [explicit], resolvers: [classLookup({ Plans: { Card } })] })
  const handle = await client.submit({ namespace: 'kinds', name: 'resolved' }, {})
  expect(await handle.result()).toEqual({
    explicit: 'explicit: function',
    looked_up: 'looked_up: class',
    method: 'method: refunded',
  })
  const lost = await client.submit({ namespace: 'kinds', name: 'unresolved' }, {})
  const error = await lost.result().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskBlockedError)
  expect(error).toMatchObject({ steps: [{ stepId: 'looked_up', failure: { code: 'HANDLER_NOT_FOUND', retryable: false } }] })
})

test('what a handler tells beside its result and its failure stands in the history, and no other step sees it', async () => {
  const told = defineTask('told', { namespace: 'kinds', version: '1.0.0' })
    .step('ask', { retry: { maxAttempts: 2, backoff: 'none' } }, ({ attempt }) =>
      attempt === 1 ? failure('busy', { code: 'BUSY', metadata: { host: 'b' } }) : success({ rate: 2 }, { cached: true, ms: 7 }),
    )
    .step('use', { after: ['ask'] }, ({ deps }) => deps.ask)
  work({ namespace: 'kinds', tasks: [told] })
  const handle = await client.submit(told, {})
  expect(await handle.result()).toEqual({ use: { rate: 2 } })
  const overGrpc: unknown[] = []
  for await (const { type, data } of handle.events()) if (type === 'step.failed' || type === 'step.completed') overGrpc.push(data)
  expect(overGrpc.slice(0, 2)).toMatchObject([
    { step_id: 'ask', failure: { code: 'BUSY' }, metadata: { host: 'b' } },
    { step_id: 'ask', output: { rate: 2 }, metadata: { cached: true, ms: 7 } },
  ])
  expect(overGrpc[2]).not.toHaveProperty('metadata')
  const response = await fetch(`${server.restUrl}/v1/tasks/${handle.taskId}/events`)
  const { events } = (await response.json()) as { events: readonly { type: string; data: unknown }[] }
  const overRest = events.filter(({ type }) => type === 'step.failed' || type === 'step.completed').map(({ data }) => data)
  expect(overRest).toEqual(overGrpc)
})
