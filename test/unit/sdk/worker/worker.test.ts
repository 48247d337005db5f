// The worker's side of the rules W1 to W14, against a server that is scripted by hand.
import { AckStatus } from '@tasker/proto'
import { CancelledError, defineStep, defineTask, StepHandler, TaskerError, Worker, type StepContext } from '@tasker/sdk'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  command,
  failureOf,
  outputOf,
  payload,
  ref,
  resultsOf,
  scriptedServer,
  unreachable,
  WELCOME,
} from '../scripted-server.js'
import { turn, virtualClock } from '../virtual-clock.js'
import { silent, startWorker } from './started-worker.js'

/** A handler that ends when the test says so. */
const gate = () => {
  let open: (value: unknown) => void = () => undefined
  let fail: (error: unknown) => void = () => undefined
  const wait = new Promise((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { wait, open: (value?: unknown) => open(value), fail: (error: unknown) => fail(error) }
}

const ack = (stepId: string, attempt = 1) => ({
  ref: ref(stepId, attempt),
  status: AckStatus.ACK_STATUS_RECORDED,
  reason: '',
  message: '',
  checkpoint: 0,
})

test('W1: the first message is the hello alone, with what the worker can run', async () => {
  class Card extends StepHandler {
    readonly callable = 'Billing.Card'
    call(): unknown {
      return null
    }
    charge(): unknown {
      return null
    }
  }
  const task = defineTask('order', { namespace: 'shop', version: '1.0.0' }).step('validate', () => null)
  const handlers = [defineStep('Billing.Load', () => null), new Card()]
  const { server, worker } = await startWorker({ tasks: [task], handlers, slots: 7, codeVersion: 'v9' })
  const [first] = server.worker().received
  expect(first).toMatchObject({ results: [], heartbeats: [], drain: undefined })
  expect(first?.hello).toMatchObject({
    workerId: worker.workerId,
    namespace: 'shop',
    slots: 7,
    codeVersion: 'v9',
    sdk: 'tasker-typescript/0.1.0',
    handlers: ['order@1.0.0/validate', 'Billing.Load', 'Billing.Card', 'Billing.Card#charge'],
    running: [],
  })
})

test('W2: the same worker_id is said again on each reconnect', async () => {
  const { server, clock, worker } = await startWorker({ handlers: [defineStep('a', () => null)] })
  server.worker().break()
  clock.advance(5_000)
  expect(server.workers).toHaveLength(2)
  expect(server.worker().received[0]?.hello?.workerId).toBe(worker.workerId)
})

test('the results of one turn leave in one message', async () => {
  const { server } = await startWorker({ handlers: [defineStep('a', () => 1), defineStep('b', async () => 2)] })
  server.worker().send({ commands: [command('a'), command('b'), command('a', { ref: ref('a', 2) })] })
  await turn()
  expect(server.worker().received).toHaveLength(2)
  expect(resultsOf(server.worker()).map(outputOf)).toEqual([1, 1, 2])
})

test('W4: a result is kept and sent again after a reconnect until it is acknowledged', async () => {
  const { server, clock } = await startWorker({ handlers: [defineStep('a', () => 'done'), defineStep('b', () => 'kept')] })
  server.worker().send({ commands: [command('a'), command('b')] })
  await turn()
  server.worker().send({ acks: [ack('a')] })
  server.worker().break()
  clock.advance(5_000)
  expect(server.worker().received[0]?.hello?.running).toEqual([ref('b')])
  expect(resultsOf(server.worker())).toHaveLength(0)
  server.worker().send({ welcome: WELCOME })
  expect(resultsOf(server.worker()).map(outputOf)).toEqual(['kept'])
  server.worker().send({ acks: [{ ...ack('b'), status: AckStatus.ACK_STATUS_DUPLICATE, reason: 'DUPLICATE' }] })
  server.worker().break()
  clock.advance(5_000)
  expect(server.worker().received[0]?.hello?.running).toEqual([])
})

test('a result made while no stream is there is sent after the welcome', async () => {
  const held = gate()
  const { server, clock } = await startWorker({ handlers: [defineStep('a', () => held.wait)] })
  server.worker().send({ commands: [command('a')] })
  server.worker().break()
  held.open('late')
  await turn()
  clock.advance(5_000)
  server.worker().send({ welcome: WELCOME })
  expect(resultsOf(server.worker()).map(outputOf)).toEqual(['late'])
})

test('W7: an attempt that comes twice runs once', async () => {
  let runs = 0
  const { server, clock } = await startWorker({ handlers: [defineStep('a', () => (runs += 1))] })
  server.worker().send({ commands: [command('a')] })
  server.worker().send({ commands: [command('a')] })
  await turn()
  server.worker().break()
  clock.advance(5_000)
  server.worker().send({ welcome: WELCOME, commands: [command('a')] })
  await turn()
  expect(runs).toBe(1)
  expect(resultsOf(server.worker())).toHaveLength(1)
})

test('W8: a worker that has nothing to say sends an empty message every heartbeat interval', async () => {
  const { server, clock } = await startWorker({ handlers: [defineStep('a', () => null)] })
  clock.advance(4_900)
  expect(server.worker().received).toHaveLength(1)
  clock.advance(10_100)
  expect(server.worker().received.slice(1)).toEqual(
    Array.from({ length: 3 }, () => ({
      hello: undefined,
      results: [],
      heartbeats: [],
      drain: undefined,
      records: [],
      journalsWanted: [],
    })),
  )
})

test('W9: attempts the server has forgotten are aborted and send no result', async () => {
  const held = gate()
  const signals: AbortSignal[] = []
  const handler = ({ signal }: StepContext) => {
    signals.push(signal)
    return held.wait
  }
  const { server, clock } = await startWorker({ handlers: [defineStep('a', handler), defineStep('b', () => 'b')] })
  server.worker().send({ commands: [command('a'), command('b')] })
  await turn()
  server.worker().break()
  clock.advance(5_000)
  expect(server.worker().received[0]?.hello?.running).toEqual([ref('a'), ref('b')])
  server.worker().send({ welcome: { ...WELCOME, forgotten: [ref('a'), ref('b')] } })
  held.open('too late')
  await turn()
  expect(signals[0]?.aborted).toBe(true)
  expect(resultsOf(server.worker())).toEqual([])
})

test('W10: a cancellation aborts the signal, and a handler that stops for it is answered as cancelled', async () => {
  const handler = ({ signal }: StepContext) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  const stubborn = gate()
  const { server } = await startWorker({
    handlers: [defineStep('a', handler), defineStep('b', () => stubborn.wait), defineStep('c', () => stubborn.wait)],
  })
  server.worker().send({ commands: [command('a'), command('b')] })
  server.worker().send({ cancellations: [{ ref: ref('a') }, { ref: ref('b') }] })
  stubborn.open('finished all the same')
  await turn()
  const [a, b] = resultsOf(server.worker())
  expect(a?.outcome).toEqual({ $case: 'cancelled', value: {} })
  expect(outputOf(b)).toBe('finished all the same')
})

test('a signal that is looked at only after the cancellation is aborted already', async () => {
  const held = gate()
  const seen: boolean[] = []
  const handler = async (context: StepContext) => {
    await held.wait
    seen.push(context.signal.aborted)
    context.signal.throwIfAborted()
  }
  const { server } = await startWorker({ handlers: [defineStep('a', handler)] })
  server.worker().send({ commands: [command('a')] })
  server.worker().send({ cancellations: [{ ref: ref('a') }] })
  held.open()
  await turn()
  expect(seen).toEqual([true])
  expect(resultsOf(server.worker())[0]?.outcome?.$case).toBe('cancelled')
})

test('a CancelledError nobody asked for is a retryable failure', async () => {
  const { server } = await startWorker({
    handlers: [
      defineStep('a', () => {
        throw new CancelledError('of my own')
      }),
    ],
  })
  server.worker().send({ commands: [command('a')] })
  await turn()
  expect(failureOf(resultsOf(server.worker())[0])).toMatchObject({ errorType: 'CancelledError', retryable: true })
})

test('at its timeout an attempt is aborted, and a handler that does not hear is answered for', async () => {
  const signals: AbortSignal[] = []
  const handler = ({ signal }: StepContext) => {
    signals.push(signal)
    return new Promise(() => undefined)
  }
  const { server, clock } = await startWorker({ handlers: [defineStep('a', handler)] })
  server.worker().send({ commands: [command('a', { timeoutMs: 1_000 })] })
  clock.advance(900)
  expect(signals[0]?.aborted).toBe(false)
  clock.advance(200)
  expect(signals[0]?.aborted).toBe(true)
  expect(resultsOf(server.worker())).toEqual([])
  clock.advance(5_000)
  await turn()
  expect(failureOf(resultsOf(server.worker())[0])).toMatchObject({ code: 'STEP_TIMED_OUT', retryable: true })
})

test('W11: a drained worker says so, finishes what it has, waits for the acknowledgements and closes', async () => {
  const held = gate()
  const { server, clock, worker, ended } = await startWorker({ handlers: [defineStep('a', () => held.wait)] })
  server.worker().send({ commands: [command('a')] })
  const drained = worker.drain()
  expect(server.worker().received.at(-1)?.drain).toEqual({})
  held.open('done')
  await turn()
  clock.advance(10_000)
  expect(server.worker().state).toBe('open')
  server.worker().send({ acks: [ack('a')] })
  clock.advance(1_000)
  expect(server.worker().state).toBe('finished')
  server.worker().close()
  await Promise.all([drained, ended])
  expect(clock.pending()).toBe(0)
})

test('a command that was on its way when the worker drained is run', async () => {
  const { server, clock, worker, ended } = await startWorker({ handlers: [defineStep('a', () => 'in time')] })
  const drained = worker.drain()
  clock.advance(100)
  server.worker().send({ commands: [command('a')] })
  await turn()
  expect(resultsOf(server.worker()).map(outputOf)).toEqual(['in time'])
  server.worker().send({ acks: [ack('a')] })
  clock.advance(1_000)
  server.worker().close()
  await Promise.all([drained, ended])
})

test('a drain survives a lost server', async () => {
  const held = gate()
  const { server, clock, worker, ended } = await startWorker({ handlers: [defineStep('a', () => held.wait)] })
  server.worker().send({ commands: [command('a')] })
  const drained = worker.drain()
  server.worker().break()
  held.open('done')
  await turn()
  clock.advance(5_000)
  server.worker().send({ welcome: WELCOME })
  expect(resultsOf(server.worker()).map(outputOf)).toEqual(['done'])
  expect(server.worker().received.at(-1)?.drain).toEqual({})
  server.worker().send({ acks: [ack('a')] })
  clock.advance(1_000)
  server.worker().close()
  await Promise.all([drained, ended])
})

test('a stopped worker aborts its attempts, answers for handlers that do not hear, and goes', async () => {
  const { server, clock, worker, ended } = await startWorker({ handlers: [defineStep('a', () => new Promise(() => undefined))] })
  server.worker().send({ commands: [command('a')] })
  const stopped = worker.stop()
  clock.advance(2_100)
  await turn()
  expect(failureOf(resultsOf(server.worker())[0])).toMatchObject({ code: 'WORKER_STOPPED', retryable: true })
  clock.advance(2_000)
  expect(server.worker().state).toBe('aborted')
  await Promise.all([stopped, ended])
})

test('a worker that cannot reach the server tries for ever, with longer waits up to a bound', async () => {
  const { server, clock } = await startWorker({ handlers: [defineStep('a', () => null)] })
  for (let tries = 0; tries < 20; tries++) {
    server.worker().break()
    clock.advance(3_000)
  }
  expect(server.workers).toHaveLength(21)
})

test('a stream that is never greeted is given up for another', async () => {
  const { server, clock } = await startWorker({ handlers: [defineStep('a', () => null)] })
  server.worker().break()
  clock.advance(100)
  expect(server.workers).toHaveLength(2)
  clock.advance(10_200)
  expect(server.workers[1]?.state).toBe('aborted')
  expect(server.workers).toHaveLength(3)
})

test('a hello that is refused ends the worker with the reason', async () => {
  const { server, clock, ended } = await startWorker({ handlers: [defineStep('a', () => null)] })
  server.worker().break(new TaskerError({ code: 'INVALID_INPUT', reason: 'HELLO_UNUSABLE', message: 'no slots' }))
  await expect(ended).rejects.toMatchObject({ reason: 'HELLO_UNUSABLE' })
  expect(clock.pending()).toBe(0)
})

test('definitions are registered before the worker connects, and again while the server is away', async () => {
  const server = scriptedServer()
  const clock = virtualClock()
  server.registerErrors.push(unreachable(), unreachable())
  const tasks = [defineTask('order', { namespace: 'shop', version: '1.0.0' }).step('a', () => null)]
  const worker = new Worker({ url: '', namespace: 'shop', signals: false, logger: silent, transport: server, clock, tasks })
  const ended = worker.run()
  await turn()
  expect(server.workers).toHaveLength(0)
  clock.advance(1_000)
  await turn()
  clock.advance(1_000)
  await turn()
  expect(server.registered).toHaveLength(3)
  expect(server.workers).toHaveLength(1)
  const stopped = worker.stop()
  clock.advance(5_000)
  await Promise.all([stopped, ended])
})

test('a definition the server refuses ends the worker', async () => {
  const server = scriptedServer()
  server.registerErrors.push(new TaskerError({ code: 'CONFLICT', reason: 'TEMPLATE_EXISTS', message: 'other content' }))
  const tasks = [defineTask('order', { namespace: 'shop', version: '1.0.0' }).step('a', () => null)]
  const worker = new Worker({ url: '', namespace: 'shop', signals: false, logger: silent, transport: server, tasks })
  await expect(worker.run()).rejects.toMatchObject({ reason: 'TEMPLATE_EXISTS' })
})

test('heartbeats are gathered: only the last of a moment is sent, with its progress', async () => {
  const held = gate()
  const handler = ({ heartbeat }: StepContext) => {
    for (let item = 0; item < 100; item++) heartbeat({ item })
    return held.wait
  }
  const { server, clock } = await startWorker({ handlers: [defineStep('a', handler)] })
  server.worker().send({ commands: [command('a')] })
  clock.advance(100)
  expect(server.worker().received.flatMap((message) => message.heartbeats)).toEqual([
    { ref: ref('a'), progress: payload({ item: 99 }) },
  ])
})

test('an input that does not fit the schema fails the step for good, with the failing path', async () => {
  const input = z.object({ order: z.object({ id: z.string() }), count: z.number().default(3) })
  const { server } = await startWorker({ handlers: [defineStep('a', { input }, (context) => context.input.count)] })
  server.worker().send({
    commands: [
      command('a', { input: payload({ order: { id: 1 } }) }),
      command('a', { ref: ref('a', 2), input: payload({ order: { id: 'x' } }) }),
    ],
  })
  await turn()
  const [bad, good] = resultsOf(server.worker())
  expect(failureOf(bad)).toMatchObject({ code: 'INPUT_SCHEMA_VIOLATION', retryable: false })
  expect(failureOf(bad).message).toContain('/order/id')
  expect(outputOf(good)).toBe(3)
})

test('an asynchronous schema is waited for', async () => {
  const input = z.object({ id: z.string() }).transform(async (value) => value.id.length)
  const { server } = await startWorker({ handlers: [defineStep('a', { input }, (context) => context.input)] })
  server.worker().send({ commands: [command('a', { input: payload({ id: 'four' }) })] })
  await turn()
  expect(resultsOf(server.worker()).map(outputOf)).toEqual([4])
})

test('a class handler runs the method that the template names', async () => {
  class Card extends StepHandler {
    readonly callable = 'Billing.Card'
    readonly currency = 'EUR'
    call(): unknown {
      return 'called'
    }
    charge(context: StepContext): unknown {
      return `charged ${JSON.stringify(context.input['amount'])} ${this.currency}`
    }
  }
  const { server } = await startWorker({ handlers: [new Card()] })
  server.worker().send({
    commands: [
      command('Billing.Card', { method: '' }),
      command('Billing.Card', { ref: ref('x'), method: 'charge', input: payload({ amount: 5 }) }),
    ],
  })
  await turn()
  expect(resultsOf(server.worker()).map(outputOf)).toEqual(['called', 'charged 5 EUR'])
})

test('a command for a handler that no resolver finds fails its step for good', async () => {
  const { server } = await startWorker({ handlers: [defineStep('a', () => null)] })
  server.worker().send({ commands: [command('nobody'), command('a', { method: 'refund' })] })
  await turn()
  const failures = resultsOf(server.worker()).map(failureOf)
  expect(failures).toEqual([
    expect.objectContaining({ code: 'HANDLER_NOT_FOUND', retryable: false }),
    expect.objectContaining({ code: 'HANDLER_NOT_FOUND', retryable: false }),
  ])
  expect(failures.map(({ message }) => message)).toEqual([expect.stringContaining('nobody'), expect.stringContaining('a#refund')])
})

test('results wait while the transport has enough', async () => {
  const { server } = await startWorker({ handlers: [defineStep('a', () => 1)] })
  server.worker().block()
  server.worker().send({ commands: [command('a')] })
  await turn()
  server.worker().send({ commands: [command('a', { ref: ref('a', 2) })] })
  await turn()
  expect(resultsOf(server.worker())).toHaveLength(1)
  server.worker().unblock()
  expect(resultsOf(server.worker())).toHaveLength(2)
})

test('two handlers of one name, and a task of another namespace, are refused at once', () => {
  const twice = [defineStep('a', () => 1), defineStep('a', () => 2)]
  expect(() => new Worker({ url: '', namespace: 'shop', handlers: twice })).toThrow(/two handlers are called a/)
  const tasks = [defineTask('order', { namespace: 'other', version: '1.0.0' }).step('a', () => null)]
  expect(() => new Worker({ url: '', namespace: 'shop', tasks })).toThrow(/other/)
})

test('a result that JSON cannot hold, or that is too large, fails the step for good with its place', async () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const returned: readonly unknown[] = [{ order: { amount: 1n } }, { items: [() => 1] }, cyclic, { text: 'x'.repeat(1_000) }]
  const handler = ({ attempt }: StepContext) => returned[attempt - 1]
  const { server } = await startWorker({ handlers: [defineStep('a', handler)] })
  server.worker().send({ commands: returned.map((_, index) => command('a', { ref: ref('a', index + 1) })) })
  await turn()
  const failures = resultsOf(server.worker()).map(failureOf)
  expect(failures.map(({ code, retryable }) => ({ code, retryable }))).toEqual([
    { code: 'RESULT_NOT_SERIALIZABLE', retryable: false },
    { code: 'RESULT_NOT_SERIALIZABLE', retryable: false },
    { code: 'RESULT_NOT_SERIALIZABLE', retryable: false },
    { code: 'RESULT_TOO_LARGE', retryable: false },
  ])
  expect(failures.map(({ message }) => message)).toEqual([
    expect.stringContaining('/order/amount'),
    expect.stringContaining('/items/0'),
    expect.stringContaining('/self'),
    expect.stringContaining('1000'),
  ])
})

test('a handler that returns nothing gives null', async () => {
  const { server } = await startWorker({ handlers: [defineStep('a', () => undefined)] })
  server.worker().send({ commands: [command('a')] })
  await turn()
  expect(resultsOf(server.worker()).map(outputOf)).toEqual([null])
})

test('a handler sees its input, config, deps and ids, and whether it is its last try', async () => {
  const seen: unknown[] = []
  const handler = (context: StepContext) => {
    const { input, config, deps, attempt, isRetry, isLastAttempt, taskId, stepId, correlationId } = context
    seen.push({ input, config, deps, attempt, isRetry, isLastAttempt, taskId, stepId, correlationId })
    expect(context.input).toBe(input)
    expect(context.deps).toBe(deps)
  }
  const { server } = await startWorker({ handlers: [defineStep('a', handler)] })
  server.worker().send({
    commands: [
      command('a', {
        ref: ref('a', 3),
        input: payload({ orderId: 'A-1' }),
        config: payload({ currency: 'EUR' }),
        dependencies: [
          { stepId: 'validate', output: payload({ total: 2 }) },
          { stepId: 'constructor', output: payload(null) },
        ],
        attemptsSinceReset: 3,
      }),
    ],
  })
  await turn()
  expect(resultsOf(server.worker()).map(outputOf)).toEqual([null])
  expect(seen).toEqual([
    {
      input: { orderId: 'A-1' },
      config: { currency: 'EUR' },
      deps: { validate: { total: 2 }, constructor: null },
      attempt: 3,
      isRetry: true,
      isLastAttempt: true,
      taskId: 'T1',
      stepId: 'a',
      correlationId: 'C1',
    },
  ])
})

test('a payload in an encoding the library cannot read fails the step for good', async () => {
  const { server } = await startWorker({ handlers: [defineStep('a', ({ input }) => input)] })
  server.worker().send({ commands: [command('a', { input: { encoding: 'binary/encrypted', data: Buffer.from('x') } })] })
  await turn()
  expect(failureOf(resultsOf(server.worker())[0])).toMatchObject({ code: 'UNKNOWN_ENCODING', retryable: false })
})

test('an attempt that is over has no heartbeat any more', async () => {
  const handler = ({ heartbeat }: StepContext) => heartbeat({ nearly: 'done' })
  const { server, clock } = await startWorker({ handlers: [defineStep('a', handler)] })
  server.worker().send({ commands: [command('a')] })
  await turn()
  clock.advance(1_000)
  expect(server.worker().received.flatMap((message) => message.heartbeats)).toEqual([])
})

test('large results leave in messages of a bounded size', async () => {
  const handler = () => 'x'.repeat(1_500_000)
  const { server } = await startWorker({ handlers: [defineStep('a', handler)] }, { ...WELCOME, resultBytesMax: 2_000_000 })
  server.worker().send({ commands: [1, 2, 3, 4, 5].map((attempt) => command('a', { ref: ref('a', attempt) })) })
  await turn()
  expect(
    server
      .worker()
      .received.slice(1)
      .map((message) => message.results.length),
  ).toEqual([2, 2, 1])
})
