import { readFile } from 'node:fs/promises'
import {
  Client,
  defineStep,
  defineTask,
  Subscriber,
  TaskBlockedError,
  TaskCancelledError,
  type TaskerError,
  Worker,
} from '@tasker/sdk'
import { createTestEnv, type TestEnv, type TestEnvOptions } from '@tasker/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'

const START = new Date('2026-03-01T00:00:00.001Z')
const opened: TestEnv[] = []

const open = async (options: TestEnvOptions = {}): Promise<TestEnv> => {
  const env = await createTestEnv({ startAt: START, ...options })
  opened.push(env)
  return env
}

afterEach(async () => {
  for (const env of opened.splice(0)) await env.close()
})

const hoursAfterStart = (at: Date): number => (at.getTime() - START.getTime()) / 3_600_000

const order = defineTask('order', { namespace: 'shop', version: '1.0.0', input: z.object({ id: z.string() }) })
  .step('validate', ({ input }) => ({ id: input.id }))
  .step(
    'charge',
    { after: ['validate'], retry: { maxAttempts: 3, backoff: 'linear', backoffBase: '1h', maxBackoff: '1d' }, timeout: '30m' },
    ({ deps }) => `charged ${deps.validate.id}`,
  )

const refusalOf = async (promise: Promise<unknown>): Promise<Pick<TaskerError, 'code' | 'reason' | 'message'>> =>
  promise.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => error as TaskerError,
  )

describe('tasks', () => {
  test('of definitions run to their result', async () => {
    const env = await open({ tasks: [order] })
    const handle = await env.client.submit(order, { id: 'A-1' })
    expect(await handle.result()).toEqual({ charge: 'charged A-1' })
    expect(env.now()).toEqual(START)
  })

  test('of several namespaces run in one test', async () => {
    const other = defineTask('other', { namespace: 'depot', version: '2.0.0' }).step('pack', () => 'packed')
    const env = await open({ tasks: [order, other] })
    const handles = [await env.client.submit(order, { id: 'A-1' }), await env.client.submit(other, {})]
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([{ charge: 'charged A-1' }, { pack: 'packed' }])
  })

  test('are tried again hours later, to the millisecond', async () => {
    const env = await open({ tasks: [order] })
    const tries: number[] = []
    env.mock('order/charge', () => {
      tries.push(hoursAfterStart(env.now()))
      if (tries.length < 3) throw new Error('the bank is closed')
      return 'charged at last'
    })
    const handle = await env.client.submit(order, { id: 'A-1' })
    expect(await handle.result()).toEqual({ charge: 'charged at last' })
    expect(tries).toEqual([0, 1, 3])
  })

  test('in batches come together again', async () => {
    const sum = defineTask('sum', { namespace: 'shop', version: '1.0.0', input: z.object({ count: z.number() }) })
      .batch(
        'parts',
        { parallelism: 2, retry: { maxAttempts: 2, backoffBase: '1h', maxBackoff: '1h' } },
        ({ input, batches }) => batches(Array.from({ length: input.count }, (_, at) => ({ start: at * 10, end: at * 10 + 10 }))),
        ({ batch }) => Number(batch.end) - Number(batch.start),
      )
      .step('total', { after: ['parts'] }, ({ deps }) => deps.parts.reduce((total, part) => total + part, 0))
    const env = await open({ tasks: [sum] })
    const handle = await env.client.submit(sum, { count: 5 })
    expect(await handle.result()).toEqual({ total: 50 })
  })

  test('of templates in YAML run with handlers of the test, and with mocks of handlers it does not have', async () => {
    const env = await open({
      templates: [INVOICE],
      handlers: [defineStep('Billing.Send', ({ deps }) => ({ sent: deps }))],
    })
    env.mockHandler('Billing.LoadInvoice', ({ input }) => ({ loaded: input }))
    const handle = await env.client.submit({ name: 'invoice', namespace: 'billing' }, { number: 7 })
    expect(await handle.result()).toEqual({ send: { sent: { load: { loaded: { number: 7 } } } } })
  })
})

const INVOICE = `
name: invoice
namespace_name: billing
version: 1.0.0
steps:
  - name: load
    handler: { callable: Billing.LoadInvoice }
  - name: send
    handler: { callable: Billing.Send }
    dependencies: [load]
`

describe('time', () => {
  test('stands still until it is turned, and then passes from wake-up to wake-up', async () => {
    const env = await open({ tasks: [order] })
    const handle = await env.client.submit(order, { id: 'A-1' }, { runAt: new Date(START.getTime() + 30 * 86_400_000) })
    await env.advance('29d')
    expect((await handle.state()).status).toBe('scheduled')
    await env.advance('1d')
    expect((await handle.state()).status).toBe('complete')
    expect(hoursAfterStart(env.now())).toBe(30 * 24)
  })

  test('passes by itself only while a result is waited for and the test does nothing', async () => {
    const env = await open({ tasks: [order] })
    const handle = await env.client.submit(order, { id: 'A-1' }, { runAt: new Date(START.getTime() + 30 * 86_400_000) })
    const result = handle.result()
    await env.advance('3d')
    expect(hoursAfterStart(env.now())).toBe(72)
    await handle.pause()
    expect(hoursAfterStart(env.now())).toBe(72)
    await handle.resume()
    await result
    expect(hoursAfterStart(env.now())).toBe(720)
  })

  test('runs out for a handler that takes longer than its step allows', async () => {
    const env = await open({ tasks: [order] })
    const aborted: number[] = []
    env.mock('order/charge', async ({ signal }) => {
      signal.addEventListener('abort', () => aborted.push(hoursAfterStart(env.now())))
      await env.sleep('2h', signal)
    })
    const handle = await env.client.submit(order, { id: 'A-1' })
    await expect(handle.result()).rejects.toBeInstanceOf(TaskBlockedError)
    const types = (await env.history(handle.taskId)).map(({ type }) => type)
    expect(types.filter((type) => type === 'step.timed_out')).toHaveLength(3)
    expect(aborted).toEqual([0.5, 2, 4.5])
  })

  test('stands still for a handler that reads a file, and not for ever for one that hangs', async () => {
    const env = await open({ tasks: [order], handlerWait: '20ms' })
    env.mock('order/validate', async () => ({ id: (await readFile(import.meta.filename, 'utf8')).slice(0, 6) }))
    const first = await env.client.submit(order, { id: '' })
    await env.advance('1ms')
    expect((await first.state()).steps.map(({ output }) => output)).toEqual([{ id: 'import' }, 'charged import'])
    env.mock('order/validate', () => new Promise(() => undefined))
    const second = await env.client.submit(order, { id: '' })
    await env.advance('1h')
    expect((await second.state()).steps[0]).toMatchObject({ attempts: 3, lastFailure: { code: 'STEP_TIMED_OUT' } })
  })
})

test('timers that a test has in the place of those of Node do not matter', async () => {
  vi.useFakeTimers()
  try {
    const env = await open({ tasks: [order], handlerWait: '20ms' })
    env.mock('order/validate', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      return { id: '' }
    })
    const handle = await env.client.submit(order, { id: 'A-1' })
    await env.advance('1s')
    expect((await handle.state()).status).toBe('steps_in_process')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await handle.result()).toEqual({ charge: 'charged ' })
  } finally {
    vi.useRealTimers()
  }
})

describe('mocks', () => {
  test('are taken back', async () => {
    const env = await open({ tasks: [order] })
    const restore = env.mock('order/validate', () => ({ id: 'mocked' }))
    const first = await env.client.submit(order, { id: 'A-1' })
    expect(await first.result()).toEqual({ charge: 'charged mocked' })
    restore()
    const second = await env.client.submit(order, { id: 'A-1' })
    expect(await second.result()).toEqual({ charge: 'charged A-1' })
  })

  test('of a step that no task has are refused with the steps there are', async () => {
    const env = await open({ tasks: [order] })
    expect(() => env.mock('order/chrage', () => 1)).toThrow(
      expect.objectContaining({ reason: 'NOTHING_TO_MOCK', hint: 'the steps are: order/validate, order/charge' }),
    )
  })

  test('of a handler that no server takes are refused with the next call', async () => {
    const env = await open({ tasks: [order] })
    env.mockHandler('x'.repeat(10_000), () => 1)
    expect(await refusalOf(env.advance('1s'))).toMatchObject({ reason: 'HELLO_UNUSABLE' })
  })
})

describe('crashes', () => {
  test('of the server lose nothing that was done, and what waits goes on', async () => {
    const env = await open({ tasks: [order] })
    const ran: string[] = []
    env.mock('order/validate', ({ attempt }) => {
      ran.push(`validate ${attempt}`)
      return { id: 'A-1' }
    })
    env.mock('order/charge', ({ attempt }) => {
      ran.push(`charge ${attempt}`)
      if (attempt === 1) throw new Error('the bank is closed')
      return 'charged'
    })
    const handle = await env.client.submit(order, { id: 'A-1' })
    await env.advance('30m')
    await env.crashServer()
    expect(await handle.result()).toEqual({ charge: 'charged' })
    expect(ran).toEqual(['validate 1', 'charge 1', 'charge 2'])
  })

  test('of the server in the middle of a step do not run it again', async () => {
    const env = await open({ tasks: [order] })
    let runs = 0
    env.mock('order/charge', async () => {
      runs++
      await env.sleep('10m')
      return 'charged'
    })
    const handle = await env.client.submit(order, { id: 'A-1' })
    await env.advance('5m')
    await env.crashServer()
    await env.crashServer()
    expect(await handle.result()).toEqual({ charge: 'charged' })
    expect(runs).toBe(1)
    const types = (await env.history(handle.taskId)).map(({ type }) => type)
    expect(types.filter((type) => type === 'step.started')).toHaveLength(2)
  })

  test('of the workers have the step tried again', async () => {
    const env = await open({ tasks: [order] })
    let runs = 0
    env.mock('order/charge', async () => {
      if (++runs === 1) await env.sleep('10m')
      return `run ${runs}`
    })
    const handle = await env.client.submit(order, { id: 'A-1' })
    await env.advance('5m')
    await env.crashWorkers()
    expect(await handle.result()).toEqual({ charge: 'run 2' })
  })

  test('of the workers in the middle of a batch are followed by workers that go on from the last checkpoint', async () => {
    const done: string[] = []
    const sum = defineTask('sum', { namespace: 'shop', version: '1.0.0' })
      .batch(
        'parts',
        {},
        ({ batches }) => batches([{ start: 0, end: 5 }]),
        async ({ attempt, cursor, checkpoint }) => {
          let total = Number(cursor?.accumulated ?? 0)
          for (let item = Number(cursor?.cursor ?? 0); item < 5; item++) {
            done.push(`${attempt}: ${item}`)
            total += item
            await checkpoint({ cursor: item + 1, itemsProcessed: item + 1, accumulated: total })
            if (attempt === 1 && item === 2) await env.sleep('1h')
          }
          return total
        },
      )
      .step('total', { after: ['parts'] }, ({ deps }) => deps.parts[0])
    const env = await open({ tasks: [sum] })
    const handle = await env.client.submit(sum, {})
    await env.advance('1s')
    await env.crashWorkers()
    expect(await handle.result()).toEqual({ total: 10 })
    expect(done).toEqual(['1: 0', '1: 1', '1: 2', '2: 3', '2: 4'])
  })

  test('leave a client that follows a task on its way', async () => {
    const env = await open({ tasks: [order] })
    const handle = await env.client.submit(order, { id: 'A-1' }, { runAt: new Date(START.getTime() + 3_600_000) })
    const seen: string[] = []
    const following = (async () => {
      for await (const { type } of handle.events()) seen.push(type)
    })()
    await env.advance('1m')
    await env.crashServer()
    await env.advance('1h')
    await following
    expect(seen).toEqual((await env.history(handle.taskId)).map(({ type }) => type))
    expect(seen.at(-1)).toBe('task.completed')
  })
})

describe('what cannot go on', () => {
  test('is told to whoever waits for it', async () => {
    const env = await open({ templates: [INVOICE], handlers: [defineStep('Billing.Send', () => ({}))] })
    const handle = await env.client.submit({ name: 'invoice', namespace: 'billing' }, {})
    const refusal = await refusalOf(handle.result())
    expect(refusal).toMatchObject({ code: 'INVALID_STATE', reason: 'TASK_STANDS_STILL' })
    expect(refusal.message).toContain('load: ')
    expect(refusal.message).toContain('Billing.LoadInvoice')
  })

  test('goes on when the test does what it waits for', async () => {
    const env = await open({ tasks: [order] })
    const handle = await env.client.submit(order, { id: 'A-1' }, { runAt: new Date(START.getTime() + 1) })
    await handle.pause('for the test')
    expect(await refusalOf(handle.result())).toMatchObject({ reason: 'TASK_STANDS_STILL' })
    await handle.resume()
    expect(await handle.result()).toEqual({ charge: 'charged A-1' })
  })

  test('is cancelled as anywhere', async () => {
    const env = await open({ tasks: [order] })
    env.mock('order/charge', ({ signal }) => env.sleep('10m', signal))
    const handle = await env.client.submit(order, { id: 'A-1' })
    await env.advance('1m')
    await handle.cancel('enough')
    await expect(handle.result()).rejects.toBeInstanceOf(TaskCancelledError)
    expect(hoursAfterStart(env.now())).toBeLessThan(0.1)
  })

  test('is refused after the end of the test environment', async () => {
    const env = await open({ tasks: [order] })
    const handle = await env.client.submit(order, { id: 'A-1' })
    await env.close()
    expect(await refusalOf(env.advance('1d'))).toMatchObject({ reason: 'ENV_CLOSED' })
    expect(await refusalOf(env.crashServer())).toMatchObject({ reason: 'ENV_CLOSED' })
    expect(await refusalOf(handle.state())).toMatchObject({ reason: 'ENV_CLOSED' })
  })

  test('is refused from the start when the server refuses a definition', async () => {
    expect(await refusalOf(createTestEnv({ templates: ['name: a'] }))).toMatchObject({ reason: 'TEMPLATE_INVALID' })
  })
})

test('workers, clients and subscribers of the code under test come in by the connection', async () => {
  const pay = defineTask('pay', { namespace: 'shop', version: '1.0.0' }).step(
    'charge',
    { publishes: [{ name: 'card.charged' }] },
    () => ({ cents: 900 }),
  )
  const env = await open()
  const told: unknown[] = []
  const subscriber = new Subscriber({ ...env.connection, from: 'beginning', handler: ({ payload }) => void told.push(payload) })
  const worker = new Worker({ ...env.connection, namespace: 'shop', tasks: [pay], signals: false })
  const [following, working] = [subscriber.run(), worker.run()]
  const client = new Client(env.connection)
  const handle = await client.submit(pay, {})
  await env.advance('1s')
  expect((await handle.state()).status).toBe('complete')
  expect(told).toEqual([{ cents: 900 }])
  const leaving = worker.drain()
  await env.advance('1s')
  await Promise.all([leaving, working, subscriber.stop(), following])
  client.close()
})

test('lists show what was done a moment ago', async () => {
  const env = await open({ tasks: [order] })
  for (const id of ['a', 'b', 'c']) {
    await env.client.submit(order, { id }, { tags: [id] })
    await env.advance('1h')
  }
  const page = await env.client.list({ limit: 2 })
  expect(page.tasks.map(({ tags, status }) => [...tags, status])).toEqual([
    ['c', 'complete'],
    ['b', 'complete'],
  ])
  const rest = await env.client.list({ limit: 2, cursor: page.nextCursor ?? '' })
  expect(rest.tasks.map(({ tags }) => tags)).toEqual([['a']])
  expect(rest.nextCursor).toBeUndefined()
  expect((await env.client.list({ tag: 'b', text: 'ORD', status: ['complete'] })).tasks).toHaveLength(1)
  expect((await env.client.list({ status: ['error'] })).tasks).toHaveLength(0)
})
