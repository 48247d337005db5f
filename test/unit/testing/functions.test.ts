import {
  defineFunction,
  defineStep,
  OperationFailedError,
  RetryableError,
  type FunctionHistory,
  type StepScope,
} from '@tasker/sdk'
import { createTestEnv, replay, type TestEnv, type TestEnvOptions } from '@tasker/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'

const START = new Date('2026-01-01T00:00:00.000Z')
const opened: TestEnv[] = []

const open = async (options: TestEnvOptions = {}): Promise<TestEnv> => {
  const env = await createTestEnv({ startAt: START, tasks: [subscription], ...options })
  opened.push(env)
  return env
}

afterEach(async () => {
  for (const env of opened.splice(0)) await env.close()
})

const dayOf = (env: TestEnv): number => Math.floor((env.now().getTime() - START.getTime()) / 86_400_000)

/** A trial, a charge each month of a year, and a customer who may leave. */
const subscription = defineFunction(
  'subscription',
  { namespace: 'shop', version: '1.0.0', input: z.object({ customer: z.string(), cents: z.number() }) },
  async (ctx, { customer, cents }) => {
    const leaves = async (days: string) => ctx.waitForSignal<{ readonly why: string }>('cancel', { timeout: days as '1d' })
    ctx.setState('phase', 'trial')
    if ((await leaves('14d')) !== undefined) return { left: 'in the trial', receipts: [] as string[] }
    const receipts: string[] = []
    for (let month = 1; month <= 12; month++) {
      const invoice = await ctx.step('invoice', () => ({ number: `${customer}-${month}`, cents }))
      const retry = { maxAttempts: 5, backoff: 'linear', backoffBase: '1h', maxBackoff: '1d' } as const
      receipts.push(await ctx.step('charge', () => `${invoice.number}: ${invoice.cents}`, { retry }))
      ctx.setState('phase', `month ${month}`)
      const why = await leaves('30d')
      if (why !== undefined) return { left: why.why, receipts }
    }
    return { left: 'after the year', receipts }
  },
)

const ADA = { customer: 'Ada', cents: 900 }

/** Charges are written down with their day. */
const charging = (env: TestEnv): string[] => {
  const charged: string[] = []
  env.mock('subscription/charge', ({ attempt }: StepScope) => {
    charged.push(`day ${dayOf(env)}: attempt ${attempt}`)
    return `receipt ${charged.length}`
  })
  return charged
}

const CHARGE_DAYS = Array.from({ length: 12 }, (_, month) => 14 + 30 * month)
const CHARGES = CHARGE_DAYS.map((day) => `day ${day}: attempt 1`)

describe.each([
  ['that are kept in memory', false],
  ['that are replayed whenever something happens to them', true],
])('durable functions %s', (_, replayFunctionsAlways) => {
  test('live through a year, in the time that their result takes', async () => {
    const env = await open({ replayFunctionsAlways })
    const charged = charging(env)
    const handle = await env.client.submit(subscription, ADA)
    const result = await handle.result()
    expect(result.left).toBe('after the year')
    expect(result.receipts).toHaveLength(12)
    expect(charged).toEqual(CHARGES)
    expect(dayOf(env)).toBe(14 + 12 * 30)
  })

  test('are told to stop in the middle of it', async () => {
    const env = await open({ replayFunctionsAlways })
    const charged = charging(env)
    const handle = await env.client.submit(subscription, ADA)
    await env.advance('1d')
    expect(await handle.shown('phase')).toBe('trial')
    await env.advance('73d')
    expect(await handle.shown()).toEqual({ phase: 'month 3' })
    expect(charged).toEqual(CHARGES.slice(0, 3))
    await handle.signal('cancel', { why: 'too dear' })
    expect(await handle.result()).toEqual({ left: 'too dear', receipts: ['receipt 1', 'receipt 2', 'receipt 3'] })
    expect(dayOf(env)).toBe(74)
  })

  test('charge once a month though servers and workers die', async () => {
    const env = await open({ replayFunctionsAlways })
    const charged = charging(env)
    const handle = await env.client.submit(subscription, ADA)
    for (let month = 0; month < 6; month++) {
      await env.advance('20d')
      await env.crashServer()
      await env.advance('10d')
      await env.crashWorkers()
    }
    await env.crashWorkers()
    await env.crashServer()
    const result = await handle.result()
    expect(result.receipts).toHaveLength(12)
    expect(charged).toEqual(CHARGES)
  })

  test('do again only the step that was under way when the workers died', async () => {
    const env = await open({ replayFunctionsAlways })
    const ran: string[] = []
    env.mock('subscription/invoice', () => {
      ran.push('invoice')
      return { number: 'A-1', cents: 900 }
    })
    env.mock('subscription/charge', async () => {
      ran.push('charge')
      await env.sleep('20s')
      return 'charged'
    })
    const handle = await env.client.submit(subscription, ADA)
    await env.advance('14d')
    await env.advance('5s')
    expect(ran).toEqual(['invoice', 'charge'])
    await env.crashWorkers()
    await env.advance('1m')
    expect(ran).toEqual(['invoice', 'charge', 'charge'])
    expect(await handle.shown('phase')).toBe('month 1')
  })

  test('go on with the step that was under way when the server died', async () => {
    const env = await open({ replayFunctionsAlways })
    let charges = 0
    env.mock('subscription/charge', async () => {
      charges++
      await env.sleep('20s')
      return 'charged'
    })
    const handle = await env.client.submit(subscription, ADA)
    await env.advance('14d')
    await env.advance('5s')
    await env.crashServer()
    await env.advance('1m')
    expect(charges).toBe(1)
    expect(await handle.shown('phase')).toBe('month 1')
  })

  test('are tried again hours later, to the millisecond, and not by workers that died', async () => {
    const env = await open({ replayFunctionsAlways })
    const tries: number[] = []
    env.mock('subscription/charge', () => {
      tries.push((env.now().getTime() - START.getTime()) / 3_600_000 - 14 * 24)
      if (tries.length < 3) throw new RetryableError('the bank is closed')
      return 'charged at last'
    })
    const handle = await env.client.submit(subscription, ADA)
    await env.advance('14d')
    await env.advance('4h')
    expect(tries).toEqual([0, 1, 3])
    expect(await handle.shown('phase')).toBe('month 1')
    tries.length = 0
    await env.advance('30d')
    await env.crashWorkers()
    await env.advance('1d')
    expect(await handle.shown('phase')).toBe('month 2')
    expect(tries).toHaveLength(3)
  })

  test('have a step that takes hours', async () => {
    const env = await open({ replayFunctionsAlways, tasks: [press] })
    let runs = 0
    env.mock('press/print', async ({ signal }) => {
      runs++
      await env.sleep('5h', signal)
      return 'printed'
    })
    const handle = await env.client.submit(press, {})
    expect(await handle.result()).toBe('printed')
    expect(runs).toBe(1)
    expect(env.now().getTime() - START.getTime()).toBe(5 * 3_600_000)
  })

  test('have a step that is over its time', async () => {
    const env = await open({ replayFunctionsAlways, tasks: [press] })
    env.mock('press/print', ({ signal }) => env.sleep('7h', signal))
    const handle = await env.client.submit(press, {})
    expect(await handle.result()).toBe('STEP_TIMED_OUT')
    expect(env.now().getTime() - START.getTime()).toBe(6 * 3_600_000)
  })
})

/** Takes hours. */
const press = defineFunction('press', { namespace: 'shop', version: '1.0.0' }, async (ctx) => {
  try {
    return await ctx.step('print', () => 'quickly', { timeout: '6h', retry: { maxAttempts: 1 } })
  } catch (error) {
    if (error instanceof OperationFailedError) return error.code
    throw error
  }
})

describe('signals', () => {
  test('that come early are not lost, and one that starts the task is its first', async () => {
    const env = await open()
    const handle = await env.client.submit(subscription, ADA, { signal: { name: 'cancel', payload: { why: 'a mistake' } } })
    expect(await handle.result()).toEqual({ left: 'in the trial', receipts: [] })
    expect(env.now()).toEqual(START)
  })

  test('that nobody sends are told of to whoever waits for a result', async () => {
    const waiting = defineFunction('waiting', { namespace: 'shop', version: '1.0.0' }, async (ctx) => ctx.waitForSignal('go'))
    const env = await open({ tasks: [waiting] })
    const handle = await env.client.submit(waiting, {})
    await expect(handle.result()).rejects.toMatchObject({ reason: 'TASK_STANDS_STILL' })
    await handle.signal('go', 7)
    expect(await handle.result()).toBe(7)
  })
})

describe('mocks', () => {
  test('are taken back', async () => {
    const env = await open({ tasks: [press] })
    const restore = env.mock('press/print', () => 'mocked')
    expect(await (await env.client.submit(press, {})).result()).toBe('mocked')
    restore()
    expect(await (await env.client.submit(press, {})).result()).toBe('quickly')
  })

  test('of a function that the test does not have are refused', async () => {
    const env = await open({ tasks: [press] })
    expect(() => env.mock('pres/print', () => 1)).toThrow(
      expect.objectContaining({ reason: 'NOTHING_TO_MOCK', hint: 'the steps are: press/*' }),
    )
    expect(() => env.mock('press/', () => 1)).toThrow(expect.objectContaining({ reason: 'NOTHING_TO_MOCK' }))
  })
})

test('timers that a test has in the place of those of Node do not matter', async () => {
  vi.useFakeTimers()
  try {
    const env = await open({ tasks: [press] })
    expect(await (await env.client.submit(press, {})).result()).toBe('quickly')
  } finally {
    vi.useRealTimers()
  }
})

test('histories are replayed against the code', async () => {
  const history: FunctionHistory = { taskId: 'a-task', startedAt: START.getTime(), input: ADA, journal: [] }
  const replayed = await replay(history, subscription)
  expect(replayed).toMatchObject({ type: 'waiting', asksFor: [{ type: 'state' }, { type: 'timer', kind: 'signal' }] })
})

test('handlers that a function calls run in the test, or are mocked, and their retries pass on its clock', async () => {
  const charge = defineStep<{ cents: number }>('billing/charge', ({ input }) => `charged ${input.cents}`)
  const renewal = defineFunction('renewal', { namespace: 'shop', version: '1.0.0' }, async (ctx) => {
    const receipt = await ctx.call<string>(
      'billing/charge',
      { cents: 900 },
      { retry: { backoff: 'linear', backoffBase: '1h', maxBackoff: '1d' } },
    )
    return [receipt, await ctx.call<string>('mail/thanks', {})]
  })
  const env = await open({ tasks: [renewal], handlers: [charge] })
  env.mockHandler('mail/thanks', () => 'sent')
  expect(await (await env.client.submit(renewal, {})).result()).toEqual(['charged 900', 'sent'])
  const tries: number[] = []
  env.mockHandler('billing/charge', ({ input, attempt }) => {
    tries.push(Math.round((env.now().getTime() - START.getTime()) / 3_600_000))
    if (attempt < 3) throw new RetryableError('busy')
    return input
  })
  expect(await (await env.client.submit(renewal, {})).result()).toEqual([{ cents: 900 }, 'sent'])
  expect(tries).toEqual([0, 1, 3])
})

test('a history with calls is replayed without a server', async () => {
  const renewal = defineFunction('renewal', { namespace: 'shop', version: '1.0.0' }, async (ctx) => {
    const receipt = await ctx.call<string>('billing/charge', {}).catch((error: unknown) => (error as OperationFailedError).code)
    return ctx.call<string>('mail/thanks', { receipt })
  })
  const failure = { message: 'no money', errorType: 'Error', code: 'NO_MONEY', retryable: false, retryAfterMs: 0, stack: '' }
  const key = 'billing%2Fcharge'
  const history: FunctionHistory = {
    taskId: '01JGZZZZZZ0000000000000000',
    startedAt: 0,
    input: {},
    journal: [
      { type: 'call.started', key, target: 'billing/charge', at: 1 },
      { type: 'call.ended', key, outcome: { type: 'failed', failure }, at: 2 },
    ],
  }
  expect(await replay(history, renewal)).toMatchObject({
    type: 'waiting',
    asksFor: [{ type: 'call', target: 'mail/thanks', input: '{"receipt":"NO_MONEY"}' }],
  })
  const other = {
    ...history,
    journal: history.journal.map((entry) => ('target' in entry ? { ...entry, target: 'billing/refund' } : entry)),
  }
  await expect(replay(other, renewal)).rejects.toMatchObject({ reason: 'FUNCTION_DIVERGED' })
})
