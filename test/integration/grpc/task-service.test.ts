/** `TaskService` over a real socket: sessions (C1 to C5) and unary calls, with an engine played by the test. */
import { Metadata, status, type ServiceError } from '@grpc/grpc-js'
import {
  instant,
  parseTaskId,
  trustedJson,
  versionNumber,
  type RecordedTaskEvent,
  type TaskEvent,
  type TaskId,
} from '@tasker/core'
import type { SessionResponse, WatchResponse } from '@tasker/proto'
import { startGrpcServer, type GrpcServer } from '@tasker/server/internal/grpc/server'
import type { DoorLimits } from '@tasker/server/internal/grpc/door'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { complete, plan, start, step, submit, taskAfter } from '../../support/given.js'
import { engineDouble, unavailable, type EngineDouble } from './engine-double.js'
import { TASK_ID, clientsTo, detailOf, failureOf, listRequest, openSession, submission, type Clients } from './wire-client.js'

let double: EngineDouble
let server: GrpcServer
let clients: Clients

const begin = async (limits: Partial<DoorLimits> = {}): Promise<void> => {
  double = engineDouble()
  server = await startGrpcServer({ ...double, host: '127.0.0.1', port: 0, serverId: 'server-1', limits })
  clients = clientsTo(server.port)
}

const restart = async (limits: Partial<DoorLimits>): Promise<void> => {
  clients.close()
  await server.stop(0)
  await begin(limits)
}

beforeEach(() => begin())
afterEach(async () => {
  clients.close()
  await server.stop(1_000)
})

const idOf = (text: string): TaskId => {
  const id = parseTaskId(text)
  if (id === undefined) throw new Error(`${text} is no task id`)
  return id
}
const OTHER_ID = '01JGZZZZZZ0000000000000002'
const taskId = (): TaskId => idOf(TASK_ID)
const REQUEST_ID = '01JGZZZZZZ000000000000000R'

const submittedIn = (messages: readonly SessionResponse[]) => messages.flatMap(({ submitted }) => submitted)
const outcomesIn = (messages: readonly SessionResponse[]) => messages.flatMap(({ outcomes }) => outcomes)

const answerAll = (): void => {
  for (const { answer } of double.submitted.splice(0)) answer({ type: 'created', taskId: taskId(), token: '1:2' })
}

describe('a session', () => {
  test('what the engine answers in one turn arrives as one message, each by its request_id (C1)', async () => {
    const session = openSession(clients)
    session.call.write({ submissions: [submission({ requestId: REQUEST_ID }), submission(), submission()], watches: [] })
    await double.until(() => double.submitted.length === 3)
    answerAll()
    await session.until((messages) => messages.length > 0)
    expect(session.messages).toHaveLength(1)
    expect(session.messages[0]?.submitted).toHaveLength(3)
    expect(session.messages[0]?.submitted[0]).toMatchObject({
      requestId: REQUEST_ID,
      taskId: TASK_ID,
      existing: false,
      consistencyToken: '1:2',
    })
  })

  test('a submission that does not fit is answered with its failing fields; the others and the stream live on (C5)', async () => {
    const session = openSession(clients)
    session.call.write({
      submissions: [
        submission({ requestId: 'mine', name: '', tags: ['ok', ''] }),
        submission({ context: { encoding: '', data: Buffer.from('[1]') } }),
        submission({ context: { encoding: '', data: Buffer.from('{"a":{"b":1e999}}') } }),
        submission({ context: { encoding: '', data: Buffer.alloc(1024 * 1024 + 1, 0x20) } }),
        submission({ context: { encoding: 'zip', data: Buffer.from('{}') } }),
        submission({ initiator: 'a\u0000b' }),
        submission({ requestId: REQUEST_ID }),
      ],
      watches: [],
    })
    await double.until(() => double.submitted.length === 1)
    answerAll()
    await session.until((messages) => submittedIn(messages).length === 7)
    const answers = submittedIn(session.messages)
    expect(answers.map(({ error }) => error?.reason)).toEqual([
      'INVALID_INPUT',
      'INVALID_INPUT',
      'INVALID_INPUT',
      'CONTEXT_TOO_LARGE',
      'ENCODING_NOT_SUPPORTED',
      'INVALID_INPUT',
      undefined,
    ])
    expect(answers[0]).toMatchObject({
      requestId: 'mine',
      error: { errors: [{ path: '/request_id' }, { path: '/name' }, { path: '/tags/1' }] },
    })
    expect(answers[2]?.error?.errors[0]).toMatchObject({ code: 'JSON_NUMBER', path: '/context/a/b' })
  })

  test('with watch_outcome the outcome follows the answer, once (C4)', async () => {
    const session = openSession(clients)
    session.call.write({ submissions: [submission({ watchOutcome: true })], watches: [TASK_ID] })
    await double.until(() => double.submitted.length === 1)
    answerAll()
    expect(double.awaited).toHaveLength(1)
    double.awaited[0]?.answer({ type: 'completed', taskId: taskId(), result: trustedJson('{"a":1}') })
    await session.until((messages) => outcomesIn(messages).length > 0)
    expect(outcomesIn(session.messages)[0]?.outcome).toMatchObject({
      $case: 'completed',
      value: { data: Buffer.from('{"a":1}') },
    })
  })

  test('a watch of no task id, and one the engine cannot serve, are answered with an error', async () => {
    const session = openSession(clients)
    session.call.write({ submissions: [], watches: ['nope', TASK_ID] })
    await double.until(() => double.awaited.length === 1)
    double.awaited[0]?.answer({ type: 'failed', fault: unavailable.detail })
    await session.until((messages) => outcomesIn(messages).length === 2)
    expect(
      outcomesIn(session.messages).map(({ taskId: id, outcome }) => [id, outcome?.$case === 'error' ? outcome.value.reason : '']),
    ).toEqual([
      ['nope', 'INVALID_TASK_ID'],
      [TASK_ID, 'DATABASE_UNAVAILABLE'],
    ])
  })

  test('watches end with the stream (C4)', async () => {
    const session = openSession(clients)
    session.call.write({ submissions: [], watches: [TASK_ID] })
    await double.until(() => double.awaited.length === 1)
    session.call.cancel()
    await double.until(() => double.awaited[0]?.stopped === true)
    expect(double.awaited).toHaveLength(1)
  })

  test('a client that has said all gets its answers and outcomes before the stream ends', async () => {
    const session = openSession(clients)
    session.call.write({ submissions: [submission({ watchOutcome: true })], watches: [] })
    session.call.end()
    await double.until(() => double.submitted.length === 1)
    answerAll()
    double.awaited[0]?.answer({ type: 'cancelled', taskId: taskId(), reason: undefined })
    expect((await session.ended).code).toBe(status.OK)
    expect([submittedIn(session.messages).length, outcomesIn(session.messages).length]).toEqual([1, 1])
  })

  test('a client that submits faster than the log takes is not read until answers are out', async () => {
    await restart({ sessionInFlightPause: 10 })
    const session = openSession(clients)
    for (let i = 0; i < 100; i++) session.call.write({ submissions: [submission()], watches: [] })
    await double.until(() => double.submitted.length >= 10)
    // The rest reached the server long before the round trip of another call is over.
    await failureOf((done) => clients.tasks.get({ taskId: TASK_ID }, done))
    expect(double.submitted.length).toBeLessThan(15)
    for (let taken = 0; taken < 100; ) {
      await double.until(() => double.submitted.length > 0)
      taken += double.submitted.length
      answerAll()
    }
    await session.until((messages) => submittedIn(messages).length === 100)
  })

  test('submissions above the bound are refused, and may be repeated', async () => {
    await restart({ sessionInFlightMax: 2 })
    const session = openSession(clients)
    session.call.write({ submissions: [submission(), submission(), submission()], watches: [] })
    await session.until((messages) => submittedIn(messages).length === 1)
    expect(submittedIn(session.messages)[0]?.error).toMatchObject({
      code: 'BACKPRESSURE',
      reason: 'TOO_MANY_IN_FLIGHT',
      retryable: true,
    })
  })

  test('outcomes above the bound of a session are not waited for, and may be asked for again', async () => {
    await restart({ sessionWatchesMax: 1 })
    const session = openSession(clients)
    session.call.write({ submissions: [], watches: [TASK_ID, OTHER_ID] })
    await session.until((messages) => outcomesIn(messages).length === 1)
    expect(outcomesIn(session.messages)[0]).toMatchObject({
      taskId: OTHER_ID,
      outcome: { value: { reason: 'TOO_MANY_WATCHES', retryable: true } },
    })
  })

  test('streams above the bound of the server are refused with a time to come back, and taken when another has ended', async () => {
    await restart({ streamsMax: 1 })
    const session = openSession(clients)
    session.call.write({ submissions: [submission()], watches: [] })
    await double.until(() => double.submitted.length === 1)
    const other = openSession(clients)
    const { code, error } = await other.ended
    expect(code).toBe(status.RESOURCE_EXHAUSTED)
    expect(detailOf(error)).toMatchObject({ reason: 'TOO_MANY_STREAMS', retryable: true, context: { retry_after_ms: '5000' } })
    answerAll()
    session.call.end()
    expect((await session.ended).code).toBe(status.OK)
    const third = openSession(clients)
    third.call.write({ submissions: [submission()], watches: [] })
    await double.until(() => double.submitted.length === 1)
  })

  test('a stopping server answers what is in flight and then ends the session with UNAVAILABLE', async () => {
    const session = openSession(clients)
    session.call.write({ submissions: [submission()], watches: [] })
    await double.until(() => double.submitted.length === 1)
    const stopped = server.stop(5_000)
    answerAll()
    const { code, error } = await session.ended
    expect([code, detailOf(error)?.reason]).toEqual([status.UNAVAILABLE, 'SERVER_STOPPING'])
    expect(submittedIn(session.messages)).toHaveLength(1)
    await stopped
  })

  test('a session that holds its answers back is cut when the grace is over', async () => {
    const session = openSession(clients)
    session.call.write({ submissions: [submission()], watches: [] })
    await double.until(() => double.submitted.length === 1)
    await server.stop(50)
    expect((await session.ended).code).toBe(status.CANCELLED)
  })
})

describe('unary calls', () => {
  test('submit answers with the task when the engine has it', async () => {
    const answered = new Promise((resolve, reject) =>
      clients.tasks.submit(submission(), (error, response) => (error === null ? resolve(response) : reject(error))),
    )
    await double.until(() => double.submitted.length === 1)
    const made = double.submitted[0]?.submission
    answerAll()
    expect(await answered).toMatchObject({ taskId: TASK_ID, requestId: made?.requestId })
    expect(made?.requestId).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
    expect(made).toMatchObject({
      context: '{"n":1}',
      onDuplicate: 'reject',
      actor: 'anonymous',
    })
  })

  test.each([
    ['UNAVAILABLE', status.UNAVAILABLE],
    ['CONFLICT', status.ALREADY_EXISTS],
    ['BACKPRESSURE', status.RESOURCE_EXHAUSTED],
    ['NOT_FOUND', status.NOT_FOUND],
    ['INVALID_STATE', status.FAILED_PRECONDITION],
    ['TOO_LARGE', status.INVALID_ARGUMENT],
  ] as const)(
    'a fault of the category %s has its status, and code, reason and detail in the trailers',
    async (code, expected) => {
      const failed = failureOf((done) => clients.tasks.submit(submission(), done))
      await double.until(() => double.submitted.length === 1)
      double.submitted[0]?.answer({
        type: 'failed',
        fault: { code, reason: 'SOME_REASON', message: 'half \ud800 a pair', context: { task_id: TASK_ID } },
      })
      const error = await failed
      expect(error.code).toBe(expected)
      expect(error.metadata.get('tasker-code')).toEqual([code])
      expect(detailOf(error)).toMatchObject({
        code,
        reason: 'SOME_REASON',
        message: 'half \ufffd a pair',
        context: { task_id: TASK_ID },
      })
    },
  )

  test('a failure nobody foresaw is logged and says nothing of itself', async () => {
    const error = await failureOf((done) => clients.templates.register({ content: 'x', replace: false }, done))
    expect([error.code, detailOf(error)?.reason]).toEqual([status.INTERNAL, 'INTERNAL_ERROR'])
    expect(JSON.stringify([error.details, error.metadata.toJSON()])).not.toContain('secret')
    expect(double.logged).toHaveLength(1)
  })

  test('a task that does not exist is NOT_FOUND, what is no id INVALID_ARGUMENT', async () => {
    const missing = await failureOf((done) => clients.tasks.get({ taskId: TASK_ID }, done))
    const nonsense = await failureOf((done) => clients.tasks.get({ taskId: 'nope' }, done))
    expect([missing.code, nonsense.code]).toEqual([status.NOT_FOUND, status.INVALID_ARGUMENT])
    expect(detailOf(missing)).toMatchObject({ reason: 'TASK_NOT_FOUND', context: { task_id: TASK_ID } })
  })

  test('get shows the task with its steps and context', async () => {
    double.tasks.set(taskId(), { taskId: taskId(), version: 3, state: taskAfter(plan(step('a')), submit()) })
    const response = await new Promise((resolve, reject) =>
      clients.tasks.get({ taskId: TASK_ID.toLowerCase() }, (error, task) => (error === null ? resolve(task) : reject(error))),
    )
    expect(response).toMatchObject({
      task: {
        taskId: TASK_ID,
        status: 'pending',
        streamVersion: 3,
        context: { data: Buffer.from('{"order":1}') },
        steps: [{ stepId: 'a', status: 'enqueued' }],
      },
    })
  })

  test('context gives what went in, what the steps gave, and both in one object', async () => {
    const state = taskAfter(plan(step('a'), step('b')), submit(), start('a'), complete('a', '{"n":1.0}'))
    double.tasks.set(taskId(), { taskId: taskId(), version: 5, state })
    const response = await new Promise((resolve, reject) =>
      clients.tasks.getContext({ taskId: TASK_ID }, (error, context) => (error === null ? resolve(context) : reject(error))),
    )
    expect(response).toMatchObject({
      inputs: { data: Buffer.from('{"order":1}') },
      outputs: { data: Buffer.from('{"a":{"n":1.0}}') },
      merged: { data: Buffer.from('{"order":1,"steps":{"a":{"n":1.0}}}') },
    })
  })

  test('get tells at a glance how far the task is', async () => {
    const state = taskAfter(plan(step('a'), step('b', { after: ['a'] })), submit(), start('a'), complete('a'))
    double.tasks.set(taskId(), { taskId: taskId(), version: 6, state })
    const response = await new Promise((resolve, reject) =>
      clients.tasks.get({ taskId: TASK_ID }, (error, task) => (error === null ? resolve(task) : reject(error))),
    )
    expect(response).toMatchObject({
      task: {
        overview: { totalSteps: 2, completedSteps: 1, completionPercentage: 50, recommendedAction: 'execute_ready_steps' },
      },
    })
  })

  test('list refuses a page that is too big and a status that does not exist, by field', async () => {
    const tooBig = await failureOf((done) => clients.tasks.list(listRequest({ limit: 501 }), done))
    const unknown = await failureOf((done) => clients.tasks.list(listRequest({ status: ['complete', 'done'] }), done))
    expect([detailOf(tooBig)?.errors[0]?.path, detailOf(unknown)?.errors[0]?.path]).toEqual(['/limit', '/status/1'])
  })

  test('a call that waits for a result ends with its deadline, and the engine is told to stop waiting', async () => {
    const failed = failureOf((done) =>
      clients.tasks.awaitResult({ taskId: TASK_ID }, new Metadata(), { deadline: Date.now() + 200 }, done),
    )
    await double.until(() => double.awaited.length === 1)
    expect((await failed).code).toBe(status.DEADLINE_EXCEEDED)
    await double.until(() => double.awaited[0]?.stopped === true)
  })

  test('a call that waits for a result is answered UNAVAILABLE when the server stops', async () => {
    const failed = failureOf((done) => clients.tasks.awaitResult({ taskId: TASK_ID }, done))
    await double.until(() => double.awaited.length === 1)
    await server.stop(1_000)
    expect((await failed).code).toBe(status.UNAVAILABLE)
  })
})

describe('watch', () => {
  const recorded = (version: number, event: TaskEvent): RecordedTaskEvent => ({
    version: versionNumber(version),
    at: instant(1),
    event,
    cause: { actor: 'engine', command: 'x' },
  })
  const watching = (afterVersion: number) => {
    const call = clients.tasks.watch({ taskId: TASK_ID, afterVersion })
    const messages: WatchResponse[] = []
    call.on('data', (message: WatchResponse) => messages.push(message))
    let failed: ServiceError | undefined
    call.on('error', (error: ServiceError) => {
      failed = error
    })
    const ended = new Promise<ServiceError | undefined>((resolve) => call.on('status', () => setImmediate(() => resolve(failed))))
    return { call, messages, ended }
  }
  beforeEach(() => {
    double.tasks.set(taskId(), { taskId: taskId(), version: 3, state: taskAfter(plan(step('a')), submit()) })
  })

  test('events come in order, none twice, and the stream ends with the task', async () => {
    const { messages, ended } = watching(1)
    await double.until(() => double.followed.length === 1)
    const [followed] = double.followed
    followed?.onEvents([recorded(1, { type: 'task.blocked', steps: [] })])
    followed?.onEvents([recorded(2, { type: 'task.blocked', steps: [] })])
    followed?.onEvents([recorded(2, { type: 'task.blocked', steps: [] }), recorded(3, { type: 'task.completed' })])
    expect(await ended).toBeUndefined()
    expect(messages.flatMap(({ events }) => events).map(({ version, type }) => [version, type])).toEqual([
      [2, 'task.blocked'],
      [3, 'task.completed'],
    ])
    expect(followed?.stopped).toBe(true)
  })

  test('a watcher that does not read is not followed, and gets the rest from the version it has', async () => {
    await restart({ messageBytesTarget: 1 })
    double.tasks.set(taskId(), { taskId: taskId(), version: 3, state: taskAfter(plan(step('a')), submit()) })
    const { call, messages, ended } = watching(0)
    call.pause()
    await double.until(() => double.followed.length === 1)
    const many = Array.from({ length: 40 }, (_, index) => recorded(index + 1, { type: 'task.blocked', steps: [] }))
    double.followed[0]?.onEvents(many)
    await double.until(() => double.followed[0]?.stopped === true)
    call.resume()
    await double.until(() => double.followed.length === 2)
    const resumedAfter = double.followed[1]?.afterVersion ?? 0
    expect(resumedAfter).toBeLessThan(40)
    double.followed[1]?.onEvents([
      ...many.slice(resumedAfter, resumedAfter + 5),
      recorded(resumedAfter + 6, { type: 'task.cancelled' }),
    ])
    expect(await ended).toBeUndefined()
    expect(messages.flatMap(({ events }) => events).map(({ version }) => version)).toEqual(
      Array.from({ length: resumedAfter + 6 }, (_, index) => index + 1),
    )
  })

  test('a version that the task has not reached is refused', async () => {
    const error = await watching(4).ended
    expect([error?.code, detailOf(error)?.errors[0]?.path]).toEqual([status.INVALID_ARGUMENT, '/after_version'])
  })
})
