/** The worker's stream over a real socket: hello, batches, bad messages and its ways to end (W1 to W14), with an engine played by the test. */
import { status } from '@grpc/grpc-js'
import { AckStatus, type GivenEvent } from '@tasker/proto'
import { parseTaskId, type TaskId } from '@tasker/core'
import { startGrpcServer, type GrpcServer } from '@tasker/server/internal/grpc/server'
import type { TaskSnapshot } from '@tasker/server/internal/engine/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { complete, plan, start, step, submit, taskAfter, type Order } from '../../support/given.js'
import { commandOf, engineDouble, type EngineDouble, type HeardWorker } from './engine-double.js'
import { TASK_ID, WORKER_ID, clientsTo, connectWorker, detailOf, hello, request, success, type Clients } from './wire-client.js'

let double: EngineDouble
let server: GrpcServer
let clients: Clients

const begin = async (limits: { readonly workerOutboxItemsMax?: number } = {}): Promise<void> => {
  double = engineDouble()
  server = await startGrpcServer({ ...double, host: '127.0.0.1', port: 0, serverId: 'server-1', limits })
  clients = clientsTo(server.port)
}

beforeEach(() => begin())
afterEach(async () => {
  clients.close()
  await server.stop(1_000)
})

const taskId = (): TaskId => {
  const id = parseTaskId(TASK_ID)
  if (id === undefined) throw new Error('the test has a bad task id')
  return id
}

const snapshot = (...history: readonly Order[]): TaskSnapshot => ({
  taskId: taskId(),
  version: 1,
  state: taskAfter(plan(step('a'), step('b', { after: ['a'] }), step('c', { after: ['b'] })), ...history),
})

const connected = async (more: Parameters<typeof hello>[0] = {}) => {
  const stream = connectWorker(clients)
  const before = double.workers.length
  stream.call.write(request({ hello: hello(more) }))
  await stream.until((messages) => messages.length > 0)
  const worker: HeardWorker | undefined = double.workers[before]
  if (worker === undefined) throw new Error('the engine did not hear of the worker')
  return { stream, worker }
}

describe('hello', () => {
  test('a usable hello is welcomed with the times and limits the worker must keep (W1)', async () => {
    double.forgotten = [{ taskId: taskId(), step: commandOf(snapshot(submit(), start('a')), 0).step, attempt: 1 }]
    const { stream, worker } = await connected({ handlers: ['Handlers.a', 'Handlers.a', 'Billing#load'] })
    expect(worker.hello).toMatchObject({ workerId: WORKER_ID, slots: 10, handlers: ['Handlers.a', 'Billing#load'] })
    expect(stream.messages[0]?.welcome).toMatchObject({
      serverId: 'server-1',
      heartbeatIntervalMs: 5_000,
      graceMs: 10_000,
      silenceMs: 30_000,
      forgotten: [{ taskId: TASK_ID, stepId: 'a', attempt: 1 }],
    })
  })

  test('running attempts that name nothing at all are forgotten, the others are handed to the engine (W9)', async () => {
    const { stream, worker } = await connected({
      running: [
        { taskId: TASK_ID, stepId: 'a', attempt: 2 },
        { taskId: 'nonsense', stepId: 'a', attempt: 1 },
      ],
    })
    expect(worker.hello.running).toEqual([{ taskId: TASK_ID, step: 'a', attempt: 2 }])
    expect(stream.messages[0]?.welcome?.forgotten).toEqual([{ taskId: 'nonsense', stepId: 'a', attempt: 1 }])
  })

  test.each([
    ['no hello at all', request({ results: [success('1')] }), '/hello'],
    ['a worker_id that is no ULID', request({ hello: hello({ workerId: 'me' }) }), '/hello/worker_id'],
    ['no namespace', request({ hello: hello({ namespace: '' }) }), '/hello/namespace'],
    ['no handler', request({ hello: hello({ handlers: [] }) }), '/hello/handlers'],
    ['an empty handler', request({ hello: hello({ handlers: ['a', ''] }) }), '/hello/handlers/1'],
    ['no slot', request({ hello: hello({ slots: 0 }) }), '/hello/slots'],
    ['more slots than a worker may have', request({ hello: hello({ slots: 10_001 }) }), '/hello/slots'],
  ])('a first message with %s ends the stream with INVALID_ARGUMENT that names the field (W12)', async (_, first, path) => {
    const stream = connectWorker(clients)
    stream.call.write(first)
    const { code, error } = await stream.ended
    expect(code).toBe(status.INVALID_ARGUMENT)
    expect(detailOf(error)).toMatchObject({ code: 'INVALID_INPUT', reason: 'HELLO_UNUSABLE', errors: [{ path }] })
    expect(error?.metadata.get('tasker-reason')).toEqual(['HELLO_UNUSABLE'])
    expect(double.workers).toEqual([])
  })

  test('a hello that brings results along is taken, the results too, and the worker is told (W12)', async () => {
    const stream = connectWorker(clients)
    stream.call.write(request({ hello: hello(), results: [success('7')] }))
    await stream.until((messages) => messages.some(({ problems }) => problems.length > 0))
    expect(double.workers[0]?.results).toHaveLength(1)
    expect(stream.messages.flatMap(({ problems }) => problems)).toMatchObject([{ reason: 'HELLO_NOT_ALONE' }])
  })
})

describe('what the engine sends', () => {
  test('commands, acknowledgements and cancellations of one burst arrive as one message (W13)', async () => {
    const { stream, worker } = await connected()
    const task = snapshot(submit(), start('a'), complete('a', '{"x":"é"}'), start('b'))
    const { port } = worker
    port.ack({
      taskId: taskId(),
      step: commandOf(task, 0).step,
      attempt: 1,
      status: 'recorded',
      checkpoint: 0,
      reason: undefined,
      message: undefined,
    })
    port.command(commandOf(task, 1))
    port.command(commandOf(task, 1, 2))
    port.cancel({ taskId: taskId(), step: commandOf(task, 1).step, attempt: 1 })
    port.flush()
    await stream.until((messages) => messages.length > 1)
    expect(stream.messages).toHaveLength(2)
    const [, burst] = stream.messages
    expect(burst?.commands.map(({ ref }) => ref?.attempt)).toEqual([1, 2])
    expect(burst?.acks).toMatchObject([{ status: AckStatus.ACK_STATUS_RECORDED, ref: { stepId: 'a' } }])
    expect(burst?.cancellations).toHaveLength(1)
  })

  test('a command carries the context and the results it depends on, byte for byte', async () => {
    const { stream, worker } = await connected()
    worker.port.command(
      commandOf(snapshot(submit(), start('a'), complete('a', '{ "x": "é" }'), start('b'), complete('b', '2'), start('c')), 2),
    )
    worker.port.flush()
    await stream.until((messages) => messages.length > 1)
    const command = stream.messages[1]?.commands[0]
    expect(command).toMatchObject({
      handler: 'Handlers.c',
      method: 'call',
      namespace: 'shop',
      maxAttempts: 3,
      attemptsSinceReset: 1,
      timeoutMs: 60_000,
    })
    expect(command?.input?.data.toString()).toBe('{"order":1}')
    expect(command?.config?.data.toString()).toBe('{}')
    expect(command?.dependencies.map(({ stepId, output }) => [stepId, output?.data.toString()])).toEqual([
      ['a', '{ "x": "é" }'],
      ['b', '2'],
    ])
  })

  test('a worker that does not read is given up at a bound, and its attempts are the engine’s again', async () => {
    clients.close()
    await server.stop(0)
    await begin({ workerOutboxItemsMax: 1_000 })
    const { stream, worker } = await connected()
    stream.call.pause()
    const ack = {
      taskId: taskId(),
      step: commandOf(snapshot(submit(), start('a')), 0).step,
      attempt: 1,
      status: 'refused',
      checkpoint: 0,
      reason: 'X',
    } as const
    const filler = 'x'.repeat(10_000)
    // 16 messages wait in the stream's own buffer and some megabytes in the sockets; the rest must wait in the outbox, which ends it.
    for (let burst = 0; burst < 20_000 && !worker.disconnected; burst++) {
      worker.port.ack({ ...ack, message: filler })
      worker.port.flush()
    }
    expect(worker.disconnected).toBe(true)
    stream.call.resume()
    const { code, error } = await stream.ended
    expect(code).toBe(status.RESOURCE_EXHAUSTED)
    expect(detailOf(error)).toMatchObject({ reason: 'SLOW_CONSUMER' })
  })

  test('a step whose input no message can hold fails for good instead of breaking the stream', async () => {
    const { stream, worker } = await connected()
    const big = JSON.stringify('x'.repeat(9 * 1024 * 1024))
    const task = snapshot(submit(), start('a'), complete('a', big), start('b'), complete('b', big), start('c'))
    worker.port.command(commandOf(task, 2))
    worker.port.flush()
    await double.until(() => worker.results.length > 0)
    expect(worker.results).toMatchObject([
      { step: 'c', outcome: { type: 'failed', failure: { code: 'INPUT_TOO_LARGE', retryable: false } } },
    ])
    worker.port.cancel({ taskId: taskId(), step: commandOf(task, 2).step, attempt: 1 })
    worker.port.flush()
    await stream.until((messages) => messages.some(({ cancellations }) => cancellations.length > 0))
  })

  test('a worker whose stream another one replaced is told ABORTED, and the engine is not told that it broke (W14)', async () => {
    const { stream, worker } = await connected()
    worker.port.close('another stream of the same worker took over')
    const { code, error } = await stream.ended
    expect(code).toBe(status.ABORTED)
    expect(detailOf(error)?.message).toContain('another stream')
    expect(worker.disconnected).toBe(false)
  })
})

describe('what a worker says', () => {
  test('results, heartbeats and drain of one message are heard in this order (W13)', async () => {
    const { stream, worker } = await connected()
    stream.call.write(
      request({
        results: [success('{"ok":true}')],
        heartbeats: [{ ref: { taskId: TASK_ID, stepId: 'b', attempt: 1 }, progress: { encoding: '', data: Buffer.from('0.5') } }],
        drain: {},
      }),
    )
    await double.until(() => worker.drained)
    expect(worker).toMatchObject({
      heard: 1,
      results: [{ taskId: TASK_ID, step: 'a', attempt: 1, outcome: { type: 'completed', output: '{"ok":true}' } }],
      progress: [{ ref: { step: 'b' }, progress: '0.5' }],
    })
  })

  test('a result of 20 MiB fails its attempt for good; the stream and the other results live on', async () => {
    const { stream, worker } = await connected()
    stream.call.write(
      request({ results: [success(JSON.stringify('x'.repeat(20 * 1024 * 1024))), success('1', { stepId: 'b' })] }),
    )
    await double.until(() => worker.results.length === 2)
    expect(worker.results).toMatchObject([
      { step: 'a', outcome: { type: 'failed', failure: { code: 'RESULT_TOO_LARGE', retryable: false } } },
      { step: 'b', outcome: { type: 'completed', output: '1' } },
    ])
    stream.call.write(request({ results: [success('2', { stepId: 'c' })] }))
    await double.until(() => worker.results.length === 3)
  })

  test.each([
    ['is no JSON', 'NaN', 'RESULT_NOT_JSON'],
    ['is two JSON values', '1 2', 'RESULT_NOT_JSON'],
    ['is empty', '', 'RESULT_NOT_JSON'],
    ['holds a number that a double cannot', '1e999', 'RESULT_NOT_JSON'],
  ])('a result that %s fails its attempt for good', async (_, text, code) => {
    const { stream, worker } = await connected()
    stream.call.write(request({ results: [success(text)] }))
    await double.until(() => worker.results.length === 1)
    expect(worker.results).toMatchObject([{ outcome: { type: 'failed', failure: { code, retryable: false } } }])
  })

  test.each([
    ['no ULID', { taskId: 'x', stepId: 'a', attempt: 1 }],
    ['no step', { taskId: TASK_ID, stepId: '', attempt: 1 }],
    ['attempt 0', { taskId: TASK_ID, stepId: 'a', attempt: 0 }],
  ])('a result for %s is acknowledged as REFUSED under the key it came with, and the stream lives on (W6)', async (_, ref) => {
    const { stream, worker } = await connected()
    stream.call.write(request({ results: [{ ...success('1'), ref }, success('2')] }))
    await stream.until((messages) => messages.some(({ acks }) => acks.length > 0))
    expect(stream.messages[1]?.acks).toMatchObject([{ ref, status: AckStatus.ACK_STATUS_REFUSED, reason: 'INVALID_ATTEMPT_REF' }])
    expect(worker.results).toHaveLength(1)
  })

  test('a second hello and a result without a key are problems, and the rest of the message is done (W12)', async () => {
    const { stream, worker } = await connected()
    stream.call.write(
      request({
        hello: hello(),
        results: [{ ref: undefined, outcome: undefined, metadata: undefined, events: [] }, success('2')],
      }),
    )
    await stream.until((messages) => messages.length > 1)
    expect(stream.messages[1]?.problems.map(({ reason }) => reason)).toEqual(['HELLO_AGAIN', 'RESULT_WITHOUT_REF'])
    expect(worker.results).toHaveLength(1)
  })

  test('bytes that are no message are a problem, not the end of the stream (W12)', async () => {
    const { stream, worker } = await connected()
    const tooLong = {
      ref: undefined,
      outcome: {
        $case: 'failure',
        value: { message: '', errorType: '', code: '', retryable: true, retryAfterMs: 2 ** 63, stack: '' },
      },
      metadata: undefined,
      events: [] as GivenEvent[],
    } as const
    stream.call.write(request({ results: [tooLong] }))
    stream.call.write(request({ results: [success('2')] }))
    await double.until(() => worker.results.length === 1)
    await stream.until((messages) => messages.some(({ problems }) => problems.length > 0))
    expect(stream.messages[1]?.problems).toMatchObject([{ reason: 'MALFORMED_MESSAGE' }])
  })

  test('a worker that closes its side is answered with OK, and the engine hears that it is gone', async () => {
    const { stream, worker } = await connected()
    stream.call.end()
    expect((await stream.ended).code).toBe(status.OK)
    expect(worker.disconnected).toBe(true)
  })

  test('a worker that vanishes is disconnected', async () => {
    const { stream, worker } = await connected()
    stream.call.cancel()
    await double.until(() => worker.disconnected)
    expect(double.workers).toHaveLength(1)
  })
})
