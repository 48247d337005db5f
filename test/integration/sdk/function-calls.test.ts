// Durable functions that call handlers, on the real server: the handlers run on any worker, and what became of them is in the log.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CancelledError,
  Client,
  defineFunction,
  defineStep,
  PermanentError,
  RetryableError,
  TaskCancelledError,
  Worker,
  type FunctionDefinition,
  type TaskHandle,
  type WorkerOptions,
} from '@tasker/sdk'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { runProgram, type RunningProgram } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { serverConfig } from './server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const PATIENCE_MS = 20_000

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

const begun = async <Result>(definition: FunctionDefinition<Record<string, never>, Result>) => clientOf().submit(definition, {})

const rest = async (path: string): Promise<Record<string, unknown>> =>
  (await (await fetch(`${server.restUrl}${path}`)).json()) as Record<string, unknown>

const codeOf = (error: unknown): unknown => (error as { code?: string }).code

const explained = async (taskId: string): Promise<string> => JSON.stringify(await rest(`/v1/tasks/${taskId}/explain`))

const seen = async (handle: TaskHandle, type: string, step?: string): Promise<void> => {
  for await (const { type: told, data } of handle.events()) {
    if (told === type && (step === undefined || (data as { step_id?: string }).step_id === step)) return
  }
}

test.each([{}, { replayFunctionsAlways: true }, { functionCacheBytes: 0 }])(
  'a function calls handlers of other workers, one after another and together, and is given what they gave: %o',
  async (options) => {
    const namespace = `calls-${Object.keys(options).join('') || 'kept'}`.toLowerCase()
    const ran: unknown[] = []
    const double = defineStep<{ n: number }>('math/double', ({ input, stepId, attempt }) => {
      ran.push([stepId, input, attempt])
      return { twice: input.n * 2 }
    })
    const sums = defineFunction('sums', { namespace, version: '1.0.0' }, async (ctx) => {
      const { twice } = await ctx.call<{ twice: number }>(double, { n: 1.5 })
      const all = await ctx.all([2, 3].map((n) => ctx.call<{ twice: number }>('math/double', { n }, { key: String(n) })))
      return [twice, ...all.map((one) => one.twice)]
    })
    work({ namespace, tasks: [sums], ...options })
    work({ namespace, handlers: [double] })
    const handle = await begun(sums)
    expect(await handle.result()).toEqual([3, 4, 6])
    expect(ran).toHaveLength(3)
    expect(ran).toEqual(
      expect.arrayContaining([
        ['math%2Fdouble:1', { n: 1.5 }, 1],
        ['math%2Fdouble@2:2', { n: 2 }, 1],
        ['math%2Fdouble@3:3', { n: 3 }, 1],
      ]),
    )
    const { steps } = await rest(`/v1/tasks/${handle.taskId}`)
    expect(steps).toMatchObject([{ step_id: 'run' }, { status: 'complete' }, { status: 'complete' }, { status: 'complete' }])
    const audit = await fetch(
      `${server.restUrl}/v1/tasks/${handle.taskId}/workflow_steps/${encodeURIComponent('math%2Fdouble:1')}/audit`,
    )
    expect([audit.status, JSON.stringify(await audit.json())]).toEqual([200, expect.stringContaining('step.completed')])
  },
)

test('a handler is tried again by the policy of the call; what it failed with for good is the function’s to catch', async () => {
  const tries: number[] = []
  const flaky = defineStep('flaky', ({ attempt }) => {
    tries.push(attempt)
    if (attempt < 3) throw new RetryableError('busy', { code: 'BUSY' })
    return 'at last'
  })
  const never = defineStep('never', () => {
    throw new PermanentError('sold out', { code: 'SOLD_OUT' })
  })
  const careful = defineFunction('careful', { namespace: 'careful', version: '1.0.0' }, async (ctx) => {
    const retry = { maxAttempts: 5, backoff: 'fibonacci', backoffBase: '5ms', jitter: 0 } as const
    const last = await ctx.call('flaky', {}, { retry })
    const nonRetryable = await ctx
      .call('flaky', {}, { name: 'once', retry: { ...retry, nonRetryableErrors: ['BUSY'] } })
      .catch(codeOf)
    const caught = await ctx.call('never', {}).catch((error: unknown) => [(error as Error).message, codeOf(error)])
    return { last, caught, nonRetryable }
  })
  work({ namespace: 'careful', tasks: [careful], handlers: [flaky, never] })
  const handle = await begun(careful)
  expect(await handle.result()).toEqual({ last: 'at last', caught: ['sold out', 'SOLD_OUT'], nonRetryable: 'BUSY' })
  expect(tries).toEqual([1, 2, 3, 1])
  expect(await rest(`/v1/tasks/${handle.taskId}`)).toMatchObject({ status: 'complete' })
  const retries = (await rest(`/v1/tasks/${handle.taskId}/events`))['events'] as { type: string; data: { delay_ms: number } }[]
  expect(retries.flatMap(({ type, data }) => (type === 'step.retry_scheduled' ? [data.delay_ms] : []))).toEqual([5, 5])
})

test('a call that lost a race is cancelled: its worker is told, and the function has long ended', async () => {
  const stopped: string[] = []
  const slow = defineStep(
    'slow',
    ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          stopped.push(String(signal.aborted))
          resolve('too late')
        })
      }),
  )
  const racing = defineFunction('racing', { namespace: 'racing', version: '1.0.0' }, async (ctx) => {
    const first = await ctx.race({
      slow: (branch) => branch.call('slow', {}),
      nap: async (branch) => {
        await branch.waitForSignal('enough')
        return 'enough'
      },
    })
    await ctx.sleep('1ms')
    return first
  })
  work({ namespace: 'racing', tasks: [racing], handlers: [slow] })
  const handle = await begun(racing)
  await seen(handle, 'step.started', 'race/slow/slow:1')
  await handle.signal('enough')
  expect(await handle.result()).toBe('enough')
  await until('the handler is told', PATIENCE_MS, async () => stopped[0])
  expect(await rest(`/v1/tasks/${handle.taskId}`)).toMatchObject({
    steps: [{ step_id: 'run' }, { step_id: 'race/slow/slow:1', status: 'cancelled' }],
  })
})

test('a cancelled function hears that its call is cancelled, and may call handlers while it cleans up', async () => {
  const slow = defineStep('slow', ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)))
  const refunded: unknown[] = []
  const refund = defineStep('refund', ({ input }) => void refunded.push(input))
  const trip = defineFunction('trip', { namespace: 'cleaning', version: '1.0.0' }, async (ctx) => {
    try {
      await ctx.call('slow', {})
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error
      await ctx.shielded('refund', (part) => part.call('refund', { all: true }))
      throw error
    }
  })
  work({ namespace: 'cleaning', tasks: [trip], handlers: [slow, refund] })
  const handle = await begun(trip)
  await seen(handle, 'step.started', 'slow:1')
  await handle.cancel('no more')
  expect(await handle.result().catch((thrown: unknown) => thrown)).toBeInstanceOf(TaskCancelledError)
  expect(refunded).toEqual([{ all: true }])
})

test('500 handlers at once, and each is called once', async () => {
  const calls = new Map<number, number>()
  const square = defineStep<{ n: number }>('square', ({ input: { n } }) => {
    calls.set(n, (calls.get(n) ?? 0) + 1)
    return n * n
  })
  const squares = defineFunction('squares', { namespace: 'squares', version: '1.0.0' }, async (ctx) => {
    const all = await ctx.all(Array.from({ length: 500 }, (_, n) => ctx.call<number>('square', { n }, { key: String(n) })))
    return all.reduce((sum, one) => sum + one, 0)
  })
  work({ namespace: 'squares', tasks: [squares], handlers: [square] })
  const handle = await begun(squares)
  expect(await handle.result()).toBe((499 * 500 * 999) / 6)
  expect([calls.size, Math.max(...calls.values())]).toEqual([500, 1])
  const together: unknown[] = []
  for await (const { type, data } of handle.events()) {
    const { segment, steps } = data as { segment?: string; steps?: string[] }
    if (type === 'steps.created' && segment === 'calls') together.push(steps?.length)
  }
  expect(together).toEqual([500])
})

test('a handler that no worker offers is told, and the call waits for one; scheduleToStart ends the wait', async () => {
  const lonely = defineFunction('lonely', { namespace: 'lonely', version: '1.0.0' }, async (ctx) => {
    const late = await ctx.call('nobody', {}, { scheduleToStart: '50ms' }).catch(codeOf)
    return [late, await ctx.call('somebody', {})]
  })
  work({ namespace: 'lonely', tasks: [lonely] })
  const handle = await begun(lonely)
  await seen(handle, 'step.scheduled', 'somebody:2')
  const told = await until('it says so', PATIENCE_MS, async () => {
    const text = await explained(handle.taskId)
    return text.includes('"reason":"call"') ? text : undefined
  })
  expect(told).toContain('waits for a handler that it called')
  expect(told).toContain('no connected worker offers somebody')
  work({ namespace: 'lonely', handlers: [defineStep('somebody', () => 'here')] })
  expect(await handle.result()).toEqual(['SCHEDULE_TO_START_TIMED_OUT', 'here'])
})

test('a function that continues leaves its open calls behind, and may call the same handlers again', async () => {
  const slow = defineStep('slow', ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)))
  const quick = defineStep<{ left: number }>('quick', ({ input }) => input.left)
  const loop = defineFunction('loop', { namespace: 'looping', version: '1.0.0' }, async (ctx, { left }: { left: number }) => {
    const open = ctx.call('slow', {})
    const got = await ctx.call<number>('quick', { left })
    if (left > 0) {
      open.catch(() => undefined)
      return ctx.continueAs({ left: left - 1 })
    }
    await ctx.race([open, ctx.sleep('1ms')])
    return got
  })
  work({ namespace: 'looping', tasks: [loop], handlers: [slow, quick] })
  const handle = await clientOf().submit(loop, { left: 2 })
  expect(await handle.result()).toBe(0)
  const { steps } = await rest(`/v1/tasks/${handle.taskId}`)
  expect((steps as { step_id: string }[]).map(({ step_id }) => step_id)).toEqual(['run', 'slow:5', 'quick:6'])
})

test('what a call may not be is refused where it is asked for, with a code', async () => {
  const codes = defineFunction('codes', { namespace: 'codes', version: '1.0.0' }, async (ctx) => {
    const reasonOf = async (ask: () => Promise<unknown>): Promise<unknown> => {
      try {
        return await ask()
      } catch (error) {
        return (error as { reason?: string }).reason
      }
    }
    return [
      await reasonOf(() => ctx.call('x'.repeat(10_000), {})),
      await reasonOf(() => ctx.call('', {})),
      await reasonOf(() => ctx.call('pay', 'x'.repeat(2_000_000))),
      await reasonOf(() => ctx.call('pay', { at: 1n })),
      await reasonOf(() => ctx.call('pay', {}, { timeout: '400d' })),
      await reasonOf(() => ctx.call('pay', {}, { retry: { jitter: 2 } })),
      await reasonOf(() => ctx.call('pay', {}, { retry: { maxAttempts: 0 } })),
      await reasonOf(() => ctx.call('pay', {}, { priority: 1_000 })),
    ]
  })
  work({ namespace: 'codes', tasks: [codes] })
  expect(await (await begun(codes)).result()).toEqual([
    'BAD_NAME',
    'BAD_NAME',
    'OPERATION_INPUT_TOO_LARGE',
    'INPUT_NOT_SERIALIZABLE',
    'BAD_DURATION',
    'INVALID_COUNT',
    'INVALID_COUNT',
    'INVALID_COUNT',
  ])
})

test('a worker that is killed in a call costs an attempt of the call, and nothing of the function', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-call-'))
  const [ledger, gate] = [join(folder, 'ledger'), join(folder, 'gate')]
  const start = (): RunningProgram =>
    runProgram(['test/dist/integration/sdk/call-worker-process.js', server.grpcUrl, ledger, gate])
  const booking = defineFunction('booking', { namespace: 'booking', version: '1.0.0' }, async (ctx) => {
    const before = await ctx.step('before', () => 'once')
    return [before, await ctx.call('hotel', { city: 'Lisbon' }, { retry: { backoffBase: '10ms' } })]
  })
  work({ namespace: 'booking', tasks: [booking] })
  const handle = await begun(booking)
  const first = start()
  await first.line(/^in the hotel 1$/)
  first.kill('SIGKILL')
  await first.exited
  const second = start()
  await second.line(/^in the hotel 2$/)
  writeFileSync(gate, '')
  expect(await handle.result()).toEqual(['once', { city: 'Lisbon', room: 'double' }])
  expect(readFileSync(ledger, 'utf8')).toBe(`hotel ${first.pid}\nhotel ${second.pid}\n`)
  second.kill('SIGTERM')
  expect(await second.exited).toBe(0)
  rmSync(folder, { recursive: true })
})
