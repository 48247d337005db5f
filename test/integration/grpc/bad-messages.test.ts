/** Wrong messages to the whole server: each gets a clear answer, and the stream, the other steps and the task live on. */
import { status } from '@grpc/grpc-js'
import { AckStatus, type ConnectResponse, type ResultAck, type StepCommand, type GivenEvent } from '@tasker/proto'
import { readServerConfig } from '@tasker/server/internal/config'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import {
  WORKER_ID,
  clientsTo,
  connectWorker,
  detailOf,
  failureOf,
  hello,
  openSession,
  request,
  submission,
  type Clients,
  type Heard,
} from './wire-client.js'

const OTHER_WORKER_ID = '01JGZZZZZZZZZZZZZZZZZZZZZY'
const TEMPLATE = `
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: a
    handler: { callable: Handlers.a }
    retry: { retryable: true, max_attempts: 3, backoff: none }
  - name: b
    handler: { callable: Handlers.a }
  - name: c
    dependencies: [a, b]
    handler: { callable: Handlers.a }
`

let database: TestDatabase
let server: RunningServer
let clients: Clients

beforeAll(async () => {
  database = await freshDatabase()
  const read = readServerConfig({
    DATABASE_URL: database.url,
    TASKER_REST_PORT: '0',
    TASKER_GRPC_PORT: '0',
    TASKER_LOG_LEVEL: 'silent',
  })
  if (read.type !== 'valid') throw new Error(JSON.stringify(read))
  server = await startServer(read.config)
  clients = clientsTo(Number(server.grpcUrl.split(':').at(-1)))
  await new Promise<void>((resolve, reject) =>
    clients.templates.register({ content: TEMPLATE, replace: true }, (error) => (error === null ? resolve() : reject(error))),
  )
})
afterAll(async () => {
  clients.close()
  await server.stop()
  await database.drop()
})

type WorkerStream = Heard<ReturnType<typeof request>, ConnectResponse>

let worker: WorkerStream
let session: ReturnType<typeof openSession>

beforeEach(async () => {
  worker = await workerStream(WORKER_ID)
  session = openSession(clients)
})
afterEach(async () => {
  worker.call.end()
  session.call.cancel()
  await Promise.all([worker.ended, session.ended])
})

const workerStream = async (workerId: string, handlers = ['Handlers.a']): Promise<WorkerStream> => {
  const stream = connectWorker(clients)
  stream.call.write(request({ hello: hello({ workerId, handlers }) }))
  await stream.until((messages) => messages.length > 0)
  return stream
}

const commandsOf = (stream: WorkerStream): readonly StepCommand[] => stream.messages.flatMap(({ commands }) => commands)
const acksOf = (stream: WorkerStream): readonly ResultAck[] => stream.messages.flatMap(({ acks }) => acks)

/** A new task, once the worker has its first two steps. */
const startedTask = async (): Promise<string> => {
  const before = answers().length
  session.call.write({ submissions: [submission({ watchOutcome: true })], watches: [] })
  await session.until(() => answers().length > before)
  const taskId = answers().at(-1)?.taskId ?? ''
  await worker.until(() => commandsFor(taskId).length === 2)
  return taskId
}

const answers = () => session.messages.flatMap(({ submitted }) => submitted)
const commandsFor = (taskId: string): readonly StepCommand[] => commandsOf(worker).filter(({ ref }) => ref?.taskId === taskId)

const result = (taskId: string, stepId: string, attempt = 1, text = '1') =>
  ({
    ref: { taskId, stepId, attempt },
    outcome: { $case: 'success', value: { encoding: '', data: Buffer.from(text) } },
    metadata: undefined,
    events: [] as GivenEvent[],
  }) as const

const say = async (stream: WorkerStream, ...results: readonly ReturnType<typeof result>[]): Promise<readonly ResultAck[]> => {
  const before = acksOf(stream).length
  stream.call.write(request({ results: [...results] }))
  await stream.until(() => acksOf(stream).length >= before + results.length)
  return acksOf(stream).slice(before)
}

/** Does the whole task, as a well-behaved worker would. */
const finish = async (taskId: string): Promise<void> => {
  await say(worker, result(taskId, 'a'), result(taskId, 'b'))
  await finishLast(taskId)
}

const finishLast = async (taskId: string): Promise<void> => {
  await worker.until(() => commandsFor(taskId).some(({ ref }) => ref?.stepId === 'c'))
  await say(worker, result(taskId, 'c', 1, '{"done":true}'))
  await session.until((messages) => messages.some(({ outcomes }) => outcomes.some((outcome) => outcome.taskId === taskId)))
  const outcome = session.messages.flatMap(({ outcomes }) => outcomes).find((heard) => heard.taskId === taskId)?.outcome
  expect(outcome?.$case === 'completed' ? outcome.value.data.toString() : outcome).toBe('{"c":{"done":true}}')
}

test('results for an unknown task, step and attempt are refused with a reason, and the task goes on', async () => {
  const taskId = await startedTask()
  const acks = await say(worker, result('01JGZZZZZZ000000000000000X', 'a'), result(taskId, 'nothing'), result(taskId, 'a', 7))
  expect(acks.map(({ status: said }) => said)).toEqual([
    AckStatus.ACK_STATUS_REFUSED,
    AckStatus.ACK_STATUS_REFUSED,
    AckStatus.ACK_STATUS_REFUSED,
  ])
  expect(acks.map(({ reason }) => reason !== '')).toEqual([true, true, true])
  await finish(taskId)
})

test('a result that comes twice is recorded once and acknowledged as DUPLICATE', async () => {
  const taskId = await startedTask()
  const acks = [...(await say(worker, result(taskId, 'a'))), ...(await say(worker, result(taskId, 'a')))]
  expect(acks.map(({ status: said }) => said)).toEqual([AckStatus.ACK_STATUS_RECORDED, AckStatus.ACK_STATUS_DUPLICATE])
  await finish(taskId)
})

test('a result from a worker that does not hold the attempt changes nothing', async () => {
  const taskId = await startedTask()
  const stranger = await workerStream(OTHER_WORKER_ID, ['Handlers.other'])
  const [ack] = await say(stranger, result(taskId, 'a', 1, '"stolen"'))
  expect(ack?.status).toBe(AckStatus.ACK_STATUS_IGNORED)
  stranger.call.end()
  await stranger.ended
  await finish(taskId)
})

test('a result of an attempt that is over does not touch the attempt that runs', async () => {
  const taskId = await startedTask()
  const failure = { message: 'again', errorType: 'RetryableError', code: '', retryable: true, retryAfterMs: 0, stack: '' }
  worker.call.write(
    request({
      results: [
        {
          ref: { taskId, stepId: 'a', attempt: 1 },
          outcome: { $case: 'failure', value: failure },
          metadata: undefined,
          events: [],
        },
      ],
    }),
  )
  await worker.until(() => commandsFor(taskId).some(({ ref }) => ref?.attempt === 2))
  const [late] = await say(worker, result(taskId, 'a', 1, '"late"'))
  expect(late?.status).toBe(AckStatus.ACK_STATUS_IGNORED)
  const [current] = await say(worker, result(taskId, 'a', 2))
  expect(current?.status).toBe(AckStatus.ACK_STATUS_RECORDED)
  await say(worker, result(taskId, 'b'))
  await finishLast(taskId)
})

test('a result of 20 MiB fails its step for good with RESULT_TOO_LARGE; the other steps and tasks go on', async () => {
  const [broken, healthy] = [await startedTask(), await startedTask()]
  const [ack] = await say(worker, result(broken, 'a', 1, JSON.stringify('x'.repeat(20 * 1024 * 1024))))
  expect(ack?.status).toBe(AckStatus.ACK_STATUS_RECORDED)
  const [other] = await say(worker, result(broken, 'b'))
  expect(other?.status).toBe(AckStatus.ACK_STATUS_RECORDED)
  await finish(healthy)
  await session.until((messages) => messages.some(({ outcomes }) => outcomes.some(({ taskId }) => taskId === broken)))
  const outcome = session.messages.flatMap(({ outcomes }) => outcomes).find(({ taskId }) => taskId === broken)?.outcome
  expect(outcome).toMatchObject({
    $case: 'blocked',
    value: { steps: [{ stepId: 'a', failure: { code: 'RESULT_TOO_LARGE', retryable: false } }] },
  })
})

test('a context of 1.1 MiB is refused, and the other submissions of the same message are taken', async () => {
  const big = Buffer.from(JSON.stringify({ text: 'x'.repeat(1.1 * 1024 * 1024) }))
  session.call.write({ submissions: [submission({ context: { encoding: '', data: big } }), submission()], watches: [] })
  await session.until(() => answers().length === 2)
  expect(
    answers()
      .map(({ error }) => error?.reason)
      .toSorted(),
  ).toEqual(['CONTEXT_TOO_LARGE', undefined])
})

test('an unknown template is NOT_FOUND and says which there are', async () => {
  const error = await failureOf((done) => clients.tasks.submit(submission({ name: 'ordre' }), done))
  expect(error.code).toBe(status.NOT_FOUND)
  expect(JSON.stringify(detailOf(error))).toContain('order 1.0.0')
})
