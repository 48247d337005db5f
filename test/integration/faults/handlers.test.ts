/** Handlers that misbehave, on a real server: each costs its own step at most. */
import {
  Client,
  defineStep,
  defineTask,
  RetryableError,
  TaskBlockedError,
  TaskCancelledError,
  type TaskHandle,
  Worker,
} from '@tasker/sdk'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Address, end, freeAddress, rest, startLiveServer } from '../../support/live-server.js'
import type { RunningProgram } from '../../support/processes.js'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const RESULT_MS_MAX = 30_000

let database: TestDatabase
let address: Address
let server: RunningProgram
let client: Client

beforeAll(async () => {
  database = await freshDatabase()
  address = await freeAddress()
  server = await startLiveServer(database.url, address, { TASKER_CANCEL_GRACE_MS: '300' })
  client = new Client({ url: address.grpcUrl, logger: silent })
})
afterAll(async () => {
  client.close()
  await end(server, 'SIGKILL')
  await database.drop()
})

const work = (options: Omit<ConstructorParameters<typeof Worker>[0], 'url'>): void => {
  const worker = new Worker({ url: address.grpcUrl, signals: false, logger: silent, ...options })
  const ended = worker.run()
  onTestFinished(async () => {
    await worker.stop()
    await ended
  })
}

/** The code of the failure that blocks a task, and how many attempts it took. */
const blockedBy = async (submitted: Promise<TaskHandle>): Promise<readonly [string | undefined, number | undefined]> => {
  const handle = await submitted
  const error = await handle.result({ signal: AbortSignal.timeout(RESULT_MS_MAX) }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskBlockedError)
  const { steps } = await handle.state()
  return [error instanceof TaskBlockedError ? error.steps[0]?.failure.code : undefined, steps[0]?.attempts]
}

const one = (name: string, handler: () => unknown) =>
  defineTask(name, { namespace: 'unruly', version: '1.0.0' }).step('s', { retry: { maxAttempts: 1 } }, handler)

test('a result of 3 MiB is refused at once and for good, and the tasks beside it are served', async () => {
  const large = one('large', () => 'x'.repeat(3 * 1024 * 1024))
  const fits = one('fits', () => 'y'.repeat(1024 * 1024))
  work({ namespace: 'unruly', tasks: [large, fits] })
  const beside = await Promise.all(Array.from({ length: 5 }, () => client.submit(fits, {})))
  expect(await blockedBy(client.submit(large, {}))).toEqual(['RESULT_TOO_LARGE', 1])
  for (const handle of beside) expect(await handle.result()).toEqual({ s: 'y'.repeat(1024 * 1024) })
})

test('whatever a handler returns that JSON cannot hold is named with its place', async () => {
  const hostile: Readonly<Record<string, () => unknown>> = {
    bigint: () => ({ deep: [{ n: 1n }] }),
    symbol: () => Symbol('s'),
    callable: () => ({ call: () => undefined }),
    not_a_number: () => Number.NaN,
    to_json: () => ({
      toJSON: () => {
        throw new Error('no')
      },
    }),
    getter: () => ({
      get trap() {
        throw new Error('no')
      },
    }),
    deep: () => Array.from({ length: 2_000 }).reduce<unknown>((inner) => [inner], []),
  }
  const tasks = Object.entries(hostile).map(([name, returned]) => one(name, returned))
  work({ namespace: 'unruly', tasks })
  const ends = await Promise.all(tasks.map((task) => blockedBy(client.submit(task, {}))))
  expect(ends).toEqual(tasks.map(() => ['RESULT_NOT_SERIALIZABLE', 1]))
})

test('whatever a handler throws is a failure of its step, and the worker goes on', async () => {
  const thrown: readonly unknown[] = [
    'a text',
    undefined,
    null,
    42,
    {
      get message() {
        throw new Error('no')
      },
    },
    new Proxy(new Error('hidden'), {
      get: () => {
        throw new Error('no')
      },
    }),
    new Error('long '.repeat(500_000)),
    Object.freeze(new Error('frozen')),
    new Error('\u0000 and \ud800 alone'),
  ]
  const tasks = thrown.map((value, index) =>
    one(`throws_${index}`, () => {
      throw value
    }),
  )
  const fine = one('fine', () => 'fine')
  work({ namespace: 'unruly', tasks: [...tasks, fine] })
  const ends = await Promise.all(tasks.map((task) => blockedBy(client.submit(task, {}))))
  expect(ends.map(([, attempts]) => attempts)).toEqual(tasks.map(() => 1))
  expect(await (await client.submit(fine, {})).result()).toEqual({ s: 'fine' })
})

test('a handler that never returns is timed out by timeout_seconds, each attempt, and then its task waits for a person', async () => {
  const registered = await rest(address, '/v1/templates', {
    name: 'hangs',
    namespace_name: 'hanging',
    version: '1.0.0',
    steps: [
      {
        name: 'hang',
        handler: { callable: 'Hang' },
        timeout_seconds: 1,
        retry: { retryable: true, max_attempts: 2, backoff: 'none' },
      },
    ],
  })
  expect(registered.status).toBe(201)
  work({ namespace: 'hanging', handlers: [defineStep('Hang', () => new Promise(() => undefined))] })
  expect(await blockedBy(client.submit({ namespace: 'hanging', name: 'hangs' }, {}))).toEqual(['STEP_TIMED_OUT', 2])
})

test('a handler that ignores its signal delays nobody: the next attempt runs, and its own late result is not taken', async () => {
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let late = false
  const task = defineTask('deaf', { namespace: 'deaf', version: '1.0.0' }).step(
    's',
    { timeout: 300, retry: { maxAttempts: 3, backoff: 'none' } },
    async ({ attempt }) => {
      if (attempt > 1) return 'second'
      await released
      late = true
      return 'first'
    },
  )
  work({ namespace: 'deaf', tasks: [task], slots: 1 })
  const handle = await client.submit(task, {})
  expect(await handle.result({ signal: AbortSignal.timeout(RESULT_MS_MAX) })).toEqual({ s: 'second' })
  release()
  await until('the late handler ends', RESULT_MS_MAX, async () => (late ? true : undefined))
  const next = await client.submit(task, {})
  expect(await next.result({ signal: AbortSignal.timeout(RESULT_MS_MAX) })).toBeDefined()
  expect((await handle.state()).steps[0]).toMatchObject({ status: 'complete', output: 'second', attempts: 2 })
})

test('cancelling reaches the running handler, and one that ignores it holds neither its task nor its slot', async () => {
  let aborted: unknown
  const task = defineTask('stubborn', { namespace: 'stubborn', version: '1.0.0' }).step('s', ({ signal }) => {
    signal.addEventListener('abort', () => {
      aborted = signal.reason
    })
    return new Promise(() => undefined)
  })
  const quick = defineTask('quick', { namespace: 'stubborn', version: '1.0.0' }).step('s', () => 'done')
  work({ namespace: 'stubborn', tasks: [task, quick], slots: 1 })
  const handle = await client.submit(task, {})
  for await (const event of handle.events()) if (event.type === 'step.started') break
  await handle.cancel('no longer needed')
  const error = await handle.result({ signal: AbortSignal.timeout(RESULT_MS_MAX) }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskCancelledError)
  expect(aborted).toMatchObject({ name: 'CancelledError' })
  expect(await (await client.submit(quick, {})).result({ signal: AbortSignal.timeout(RESULT_MS_MAX) })).toEqual({ s: 'done' })
})

test('a retryable error that names its delay is tried again no sooner', async () => {
  const retryAfterMs = 700
  const task = defineTask('later', { namespace: 'later', version: '1.0.0' }).step(
    's',
    { retry: { maxAttempts: 2, backoff: 'linear', backoffBase: 1, jitter: 0 } },
    ({ isRetry }) => {
      if (!isRetry) throw new RetryableError('come back later', { retryAfter: retryAfterMs })
      return 'later'
    },
  )
  work({ namespace: 'later', tasks: [task] })
  const handle = await client.submit(task, {})
  expect(await handle.result({ signal: AbortSignal.timeout(RESULT_MS_MAX) })).toEqual({ s: 'later' })
  const at = new Map<string, number>()
  for await (const event of handle.events()) at.set(event.type, event.at.getTime())
  expect((at.get('step.started') ?? 0) - (at.get('step.failed') ?? 0)).toBeGreaterThanOrEqual(retryAfterMs)
})
