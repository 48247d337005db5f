// The worker's side of the rules W20 to W25, one by one, against a journal that is kept by the test.
import { JournalPause } from '@tasker/proto'
import { CancelledError, defineFunction, PermanentError, type FunctionContext, type FunctionDefinition } from '@tasker/sdk'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { failureOf, resultsOf } from '../scripted-server.js'
import { JournalServer, live, resultOf } from './journal-server.js'

const fn = (body: (ctx: FunctionContext, input: never) => unknown): FunctionDefinition =>
  defineFunction('renewal', { namespace: 'shop', version: '1.2.0' }, body as never)

type Options = ConstructorParameters<typeof JournalServer>[1]

const begun = async (definition: FunctionDefinition, options: Options = {}, input: unknown = {}): Promise<JournalServer> => {
  const server = new JournalServer(definition, options, input)
  await server.newWorker()
  server.start()
  await server.rest()
  return server
}

const kindsOf = ({ records }: JournalServer): readonly string[] =>
  records.map(({ proposals, ending }) =>
    [...proposals.map(({ key, proposal }) => `${proposal?.$case} ${key}`), ...(ending === undefined ? [] : [ending.$case])].join(
      ', ',
    ),
  )

const failed = (server: JournalServer) => failureOf(server.result)

test('a worker offers its functions beside its tasks, and registers them', async () => {
  const { wire, worker } = await begun(
    defineFunction('renewal', { namespace: 'shop', version: '1.2.0', input: z.object({ plan: z.string() }) }, () => 1),
    {},
    { plan: 'basic' },
  )
  expect(worker).toBeDefined()
  expect(wire.worker().received[0]?.hello?.handlers).toEqual(['renewal@1.2.0/run'])
  expect(JSON.parse(wire.registered[0]?.content ?? '')).toMatchObject({
    kind: 'function',
    name: 'renewal',
    namespace_name: 'shop',
    version: '1.2.0',
    input_schema: { type: 'object', required: ['plan'] },
  })
})

test('each step is recorded before the function goes on, and what was returned is the result', async () => {
  const seen: string[] = []
  const server = await begun(
    fn(async (ctx, input: { n: number }) => {
      const one = await ctx.step('one', () => input.n + 1)
      seen.push('one')
      return (await ctx.step('two', async () => one + 1)) + 1
    }),
    {},
    { n: 1 },
  )
  expect(kindsOf(server)).toEqual(['step one', 'step two'])
  expect(resultOf(server)).toBe(4)
  expect(seen).toEqual(['one'])
})

test('what is asked for together is recorded together, and its steps begin after that', async () => {
  const order: string[] = []
  const server = new JournalServer(
    fn(async (ctx) => {
      ctx.setState('phase', 'begun')
      await Promise.all([ctx.step('a', () => order.push('a')), ctx.step('b', () => order.push('b')), ctx.sleep('1h')])
    }),
  )
  await server.newWorker()
  server.start()
  expect(order).toEqual([])
  await server.rest()
  expect(kindsOf(server)).toEqual(['state phase, timer sleep', 'step a, step b', 'suspend'])
})

test('a function that only waits is suspended with what it waits for', async () => {
  const server = await begun(fn(async (ctx) => ctx.sleep('1h')))
  expect(kindsOf(server)).toEqual(['timer sleep, suspend'])
  expect(server.records[0]?.ending).toEqual({ $case: 'suspend', value: { seen: 0, keeps: true } })
  expect(server.isOut).toBe(false)
  server.happen('sleep')
  await server.rest()
  expect(resultOf(server)).toBe(null)
})

test('a function that is kept goes on without a replay; one that is not is replayed', async () => {
  const counted = () => {
    const count = { begun: 0 }
    const definition = fn(async (ctx) => {
      count.begun++
      await ctx.sleep('1h')
      return 'awake'
    })
    return { count, definition }
  }
  const kept = counted()
  const server = await begun(kept.definition)
  server.happen('sleep')
  await server.rest()
  expect([resultOf(server), kept.count.begun]).toEqual(['awake', 1])

  const evicted = counted()
  const other = await begun(evicted.definition, { functionCacheBytes: 0 })
  expect(other.records[0]?.ending).toMatchObject({ value: { keeps: false } })
  other.happen('sleep')
  await other.rest()
  expect([resultOf(other), evicted.count.begun]).toEqual(['awake', 2])
})

test('a function that was kept for long enough is gone, and its whole journal is asked for', async () => {
  const count = { begun: 0 }
  const server = await begun(
    fn(async (ctx) => {
      count.begun++
      await ctx.step('one', () => 1)
      await ctx.sleep('1h')
      return 'awake'
    }),
    { functionKeep: '5s' },
  )
  server.clock.advance(6_000)
  server.happen('sleep')
  await server.rest()
  expect(server.wanted).toEqual([2])
  expect([resultOf(server), count.begun]).toEqual(['awake', 2])
})

test('kept functions have no more bytes than the bound, and those that wait longest go first', async () => {
  const body = fn(async (ctx) => {
    await ctx.step('big', () => 'x'.repeat(2_000))
    await ctx.sleep('1h')
  })
  const server = await begun(body, { functionCacheBytes: 1_000 })
  expect(server.records.at(-1)?.ending).toMatchObject({ $case: 'suspend', value: { keeps: false } })
})

test('a journal that does not fit into its command is awaited', async () => {
  const server = new JournalServer(
    fn(async (ctx) => {
      const results: number[] = []
      for (let i = 0; i < 5; i++) results.push(await ctx.step('each', () => i))
      await ctx.sleep('1h')
      return results
    }),
    { functionCacheBytes: 0 },
  )
  server.entriesOfCommand = 2
  await live(server, () => 0)
  expect(resultOf(server)).toEqual([0, 1, 2, 3, 4])
  expect(kindsOf(server).filter((kind) => kind.startsWith('step'))).toHaveLength(5)
})

/** Something is handed in, and the server has not read it. */
const isHandedIn = ({ wire }: JournalServer): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (wire.worker().received.some(({ records }) => records.length > 0)) resolve()
      else setImmediate(look)
    }
    look()
  })

test('a function that has not seen everything is not suspended, and goes on', async () => {
  const server = new JournalServer(fn(async (ctx) => ctx.waitForSignal('go')))
  await server.newWorker()
  server.start()
  // The signal is recorded while the suspension is on its way.
  await isHandedIn(server)
  server.signal('go', 'now')
  server.happen('signal go')
  await server.rest()
  expect(resultOf(server)).toBe('now')
  expect(server.attempt).toBe(1)
})

test('a signal that comes while a function goes to sleep is seen before what it asked for last, and both are', async () => {
  const server = new JournalServer(
    fn(async (ctx) => {
      await ctx.sleep('1h')
      return ctx.waitForSignal('go')
    }),
  )
  await server.newWorker()
  server.start()
  await isHandedIn(server)
  server.signal('go', 'now')
  server.happen('signal go')
  await server.rest()
  expect(server.facts.map(({ fact }) => fact?.$case)).toEqual(['signal', 'timerStarted'])
  server.happen('sleep')
  await server.rest()
  expect(resultOf(server)).toBe('now')
})

test('a failed step is tried again as its policy says, and its last failure is recorded', async () => {
  const attempts: number[] = []
  const server = new JournalServer(
    fn((ctx) =>
      ctx.step(
        'flaky',
        ({ attempt }) => {
          attempts.push(attempt)
          throw new Error('no')
        },
        { retry: { maxAttempts: 3, backoff: 'linear', backoffBase: '1s', jitter: 0 } },
      ),
    ),
  )
  await server.newWorker()
  server.start()
  await server.rest()
  expect(attempts).toEqual([1])
  server.clock.advance(999)
  expect(attempts).toEqual([1])
  server.clock.advance(1)
  expect(attempts).toEqual([1, 2])
  server.clock.advance(2_000)
  await server.rest()
  expect(attempts).toEqual([1, 2, 3])
  expect(failed(server)).toMatchObject({ message: 'no' })
})

test('a failure that no attempt would cure is the last', async () => {
  const server = await begun(
    fn((ctx) =>
      ctx.step('card', () => {
        throw new PermanentError('declined', { code: 'DECLINED' })
      }),
    ),
  )
  expect(failed(server)).toMatchObject({ message: 'declined', code: 'DECLINED' })
})

test('a step that is over its time is told so, and answered for when it does not hear', async () => {
  let aborted: unknown
  const server = await begun(
    fn((ctx) =>
      ctx.step(
        'deaf',
        ({ signal }) => {
          signal.addEventListener('abort', () => (aborted = signal.reason as unknown))
          return new Promise(() => undefined)
        },
        { timeout: '1s', retry: { retryable: false } },
      ),
    ),
  )
  server.clock.advance(1_000)
  expect(aborted).toBeInstanceOf(CancelledError)
  expect(server.result).toBeUndefined()
  server.clock.advance(5_000)
  await server.rest()
  expect(failed(server)).toMatchObject({ code: 'STEP_TIMED_OUT' })
})

test('a step that takes long says that its run lives', async () => {
  const server = await begun(fn((ctx) => ctx.step('long', () => new Promise(() => undefined), { timeout: '1d' })))
  server.clock.advance(3_600_000)
  await server.rest()
  expect(server.records.length).toBeGreaterThan(0)
  expect(kindsOf(server).every((kind) => kind === '')).toBe(true)
})

test('the step of a branch that lost is aborted, and the function goes on', async () => {
  let reason: unknown
  const server = await begun(
    fn((ctx) =>
      ctx.race({
        fast: (branch) => branch.step('fast', () => 'fast'),
        slow: (branch) =>
          branch.step('slow', ({ signal }) => {
            signal.addEventListener('abort', () => (reason = signal.reason as unknown))
            return new Promise(() => undefined)
          }),
      }),
    ),
  )
  expect(resultOf(server)).toBe('fast')
  expect(reason).toBeInstanceOf(CancelledError)
})

test('a run that is taken away aborts its steps and says no more', async () => {
  let reason: unknown
  const server = await begun(
    fn((ctx) =>
      ctx.step('long', ({ signal }) => {
        signal.addEventListener('abort', () => (reason = signal.reason as unknown))
        return new Promise(() => undefined)
      }),
    ),
  )
  const pause = JournalPause.JOURNAL_PAUSE_TAKEN_AWAY
  const none = { from: 0, entries: [], recorded: 0, refused: undefined, input: undefined, beganAtMs: 0 }
  const ref = { taskId: '01ARZ3NDEKTSV4RRFFQ69G5FAV', stepId: 'run', attempt: 1 }
  server.wire.worker().send({ news: [{ ref, life: 1, pause, ...none }] })
  await server.rest()
  expect(reason).toBeInstanceOf(CancelledError)
  expect(resultsOf(server.wire.worker())).toEqual([])
})

test('what the server cannot take now is handed in again, once, and the function hears nothing of it', async () => {
  const ran: string[] = []
  const body = fn(async (ctx) => {
    const one = await ctx.step('one', () => ran.push('one'))
    await ctx.sleep('1h')
    return one
  })
  const server = new JournalServer(body)
  server.refusesForNow = true
  server.refusals.push('BUSY', 'BUSY')
  await server.newWorker()
  server.start()
  await server.rest()
  expect(kindsOf(server)).toEqual(['step one'])
  for (let more = 0; more < 6; more++) {
    server.clock.advance(1_000)
    await server.rest()
  }
  expect(kindsOf(server)).toEqual(['step one', 'step one', 'step one', 'timer sleep, suspend'])
  server.happen('sleep')
  await server.rest()
  expect([resultOf(server), ran]).toEqual([1, ['one']])
})

test('a suspension that the server cannot take now is asked for again', async () => {
  const server = new JournalServer(fn(async (ctx) => ctx.sleep('1h')))
  server.refusesForNow = true
  server.refusals.push('BUSY')
  await server.newWorker()
  server.start()
  await server.rest()
  server.clock.advance(1_000)
  await server.rest()
  expect(kindsOf(server)).toEqual(['timer sleep, suspend', 'timer sleep', 'suspend'])
  expect(server.isOut).toBe(false)
})

test('what the server refuses fails the function with its code', async () => {
  const server = new JournalServer(fn((ctx) => ctx.call('No.Such', {})))
  server.refusals.push('HANDLER_UNKNOWN')
  await server.newWorker()
  server.start()
  await server.rest()
  expect(failed(server)).toMatchObject({ code: 'HANDLER_UNKNOWN', retryable: false })
})

test('a function that diverged says what was expected, and what came in its place', async () => {
  const server = await begun(
    fn(async (ctx) => {
      await ctx.step('charge', () => 1)
      await ctx.sleep('1h')
    }),
  )
  await server.newWorker({ tasks: [fn(async (ctx) => ctx.step('refund', () => 1))] })
  server.happen('sleep')
  await server.rest()
  expect(server.pause).toBe(JournalPause.JOURNAL_PAUSE_DIVERGED)
  expect(server.records.at(-1)?.ending).toMatchObject({
    $case: 'diverged',
    value: {
      expected: 'the step charge',
      actual: 'the step refund',
      line: expect.stringMatching(/runner\.test\.ts:\d+:\d+$/) as string,
    },
  })
})

test('a function that continues begins anew with what nobody took, and draws other numbers', async () => {
  const drawn: string[] = []
  const server = new JournalServer(
    fn(async (ctx, input: { left: number }) => {
      drawn.push(ctx.uuid())
      if (input.left === 0) return [await ctx.waitForSignal('late'), ctx.now()]
      await ctx.step('once', () => input.left)
      await ctx.sleep('1d')
      return ctx.continueAs({ left: input.left - 1 })
    }),
    {},
    { left: 2 },
  )
  server.signal('late', 'still here')
  await live(server, (below) => below - 1)
  expect(server.life).toBe(3)
  expect(resultOf(server)).toEqual(['still here', expect.any(Number)])
  expect(new Set(drawn).size).toBe(3)
})

test('a cancelled function hears it, cleans up, and has the result cancelled', async () => {
  const server = await begun(
    fn(async (ctx) => {
      ctx.compensate('give back', () => 'given')
      await ctx.sleep('30d')
    }),
  )
  server.cancel('no more')
  server.happen('cancel')
  await server.rest()
  expect(kindsOf(server)).toContain('step #back/give back')
  expect(server.result?.outcome?.$case).toBe('cancelled')
})

test('what a function shows last is recorded before its result is sent', async () => {
  const server = await begun(fn((ctx) => ctx.setState('phase', 'done')))
  expect(kindsOf(server)).toEqual(['state phase'])
  expect(resultOf(server)).toBe(null)
})

test('an input that does not fit the schema fails the function', async () => {
  const definition = defineFunction('f', { namespace: 'shop', version: '1.0.0', input: z.object({ plan: z.string() }) }, () => 1)
  const server = await begun(definition, {}, { plan: 7 })
  expect(failed(server)).toMatchObject({ code: 'INPUT_SCHEMA_VIOLATION' })
})

test('results that are no JSON, or too large, are failures with a code', async () => {
  const bad = async (body: (ctx: FunctionContext) => unknown) => failed(await begun(fn(body))).code
  expect(await bad((ctx) => ctx.step('bad', () => () => 1))).toBe('RESULT_NOT_SERIALIZABLE')
  expect(await bad(() => 1n)).toBe('RESULT_NOT_SERIALIZABLE')
  expect(await bad((ctx) => ctx.step('big', () => 'x'.repeat(100_001)))).toBe('RESULT_TOO_LARGE')
  expect(await bad(() => 'x'.repeat(100_001))).toBe('RESULT_TOO_LARGE')
})

test('misuse is told with its code', async () => {
  const bad = async (body: (ctx: FunctionContext) => unknown) => failed(await begun(fn(body))).code
  expect(
    await bad((ctx) => {
      ctx.step('alone', () => 1) as unknown
    }),
  ).toBe('OPERATION_NOT_AWAITED')
  expect(await bad((ctx) => ctx.step('outer', () => ctx.step('inner', () => 1)))).toBe('OPERATION_IN_STEP')
  expect(await bad((ctx) => ctx.sleep('9x' as '9s'))).toBe('BAD_DURATION')
  expect(await bad((ctx) => ctx.step('s', () => 1, { timeout: 'soon' as '1s' }))).toBe('BAD_DURATION')
  expect(await bad((ctx) => ctx.step('x'.repeat(10_000), () => 1))).toBe('BAD_NAME')
})

test('a function that waits for the world by itself is not suspended, and refused when it asks for something', async () => {
  const gate: { open: () => void } = { open: () => undefined }
  const server = await begun(
    fn(async (ctx) => {
      await new Promise<void>((resolve) => (gate.open = resolve))
      await ctx.step('late', () => 1)
    }),
  )
  expect([kindsOf(server), server.isOut]).toEqual([[], true])
  gate.open()
  await server.rest()
  expect(failed(server)).toMatchObject({ code: 'OPERATION_OUTSIDE_TURN' })
})

test('a stream that breaks changes nothing: what was not answered is sent again', async () => {
  const runs: string[] = []
  const server = new JournalServer(
    fn(async (ctx) => [await ctx.step('a', () => runs.push('a')), await ctx.step('b', () => runs.push('b'))]),
  )
  await server.newWorker()
  server.start()
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  await server.reconnect()
  await server.rest()
  expect(resultOf(server)).toEqual([1, 2])
  expect(runs).toEqual(['a', 'b'])
})

test('a worker that drains lets its functions go to sleep, keeps none, and goes', async () => {
  const gate: { open: () => void } = { open: () => undefined }
  const server = await begun(
    fn(async (ctx) => {
      await ctx.step('long', () => new Promise<void>((resolve) => (gate.open = resolve)))
      await ctx.sleep('1h')
    }),
  )
  const gone = server.worker?.drain()
  gate.open()
  await server.rest()
  expect(server.records.at(-1)?.ending).toMatchObject({ $case: 'suspend', value: { keeps: false } })
  server.clock.advance(2_000)
  expect(server.wire.worker().state).toBe('finished')
  server.wire.worker().close()
  await gone
})

test('a worker that is stopped gives a running function no result', async () => {
  const server = await begun(fn((ctx) => ctx.step('long', () => new Promise(() => undefined))))
  const gone = server.worker?.stop()
  await server.rest()
  server.clock.advance(2_000)
  expect(resultsOf(server.wire.worker())).toEqual([])
  server.wire.worker().close()
  await gone
})
