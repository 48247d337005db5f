// The client's side of the rules C1 to C5, against a server that is scripted by hand.
import type { TaskOutcome } from '@tasker/proto'
import {
  Client,
  defineTask,
  TaskBlockedError,
  TaskCancelledError,
  TaskFailedError,
  TaskerError,
  type ClientOptions,
} from '@tasker/sdk'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { payload, scriptedServer, submissionsOf, unreachable, watchesOf, type ScriptedServer } from '../scripted-server.js'
import { turn, virtualClock } from '../virtual-clock.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const order = { namespace: 'shop', name: 'order' }

const start = (options: Partial<ClientOptions> = {}) => {
  const server = scriptedServer()
  const clock = virtualClock()
  const client = new Client({ url: '', logger: silent, transport: server, clock, ...options })
  return { server, clock, client }
}

/** Answers submissions as a server would: task T1 for the first it ever saw, T2 for the next. */
const accept = (server: ScriptedServer, from = 0) =>
  server.session().send({
    submitted: submissionsOf(server.session())
      .slice(from)
      .map(({ requestId }, index) => ({
        requestId,
        taskId: `T${from + index + 1}`,
        existing: false,
        consistencyToken: `1:${index}`,
        error: undefined,
      })),
  })

const completed = (taskId: string, value: unknown): TaskOutcome => ({
  taskId,
  outcome: { $case: 'completed', value: payload(value) },
})

test('C1: the submissions of one turn leave in one message, each with an id of its own', async () => {
  const { server, client } = start()
  const handles = Promise.all([1, 2, 3].map((count) => client.submit(order, { count })))
  await turn()
  expect(server.session().received).toHaveLength(1)
  expect(new Set(submissionsOf(server.session()).map(({ requestId }) => requestId)).size).toBe(3)
  accept(server)
  expect((await handles).map(({ taskId }) => taskId)).toEqual(['T1', 'T2', 'T3'])
})

test('a submission and its result cost one item each way', async () => {
  const { server, client } = start()
  const submitted = client.submit(order, {})
  await turn()
  accept(server)
  const result = (await submitted).result()
  await turn()
  expect(server.session().received).toHaveLength(1)
  server.session().send({ outcomes: [completed('T1', { done: true })] })
  expect(await result).toEqual({ done: true })
  expect(server.session().received).toHaveLength(1)
})

test('an outcome that comes with the answer is kept until somebody asks', async () => {
  const { server, client } = start()
  const submitted = client.submit(order, {})
  await turn()
  accept(server)
  server.session().send({ outcomes: [completed('T1', 7)] })
  const handle = await submitted
  expect(await handle.result()).toBe(7)
  expect(await handle.result()).toBe(7)
  expect(watchesOf(server.session())).toEqual([])
})

test('C3: what was not answered is sent again on a new stream with the same id, and nothing else is', async () => {
  const { server, clock, client } = start()
  const first = client.submit(order, { n: 1 })
  await turn()
  accept(server)
  const second = client.submit(order, { n: 2 })
  const third = client.submit(order, { n: 3 })
  await turn()
  const sent = submissionsOf(server.session()).slice(1)
  server.session().break()
  clock.advance(5_000)
  await turn()
  expect(server.sessions).toHaveLength(2)
  expect(submissionsOf(server.session())).toEqual(sent)
  accept(server)
  expect((await first).taskId).toBe('T1')
  expect((await second).taskId).toBe('T1')
  expect((await third).taskId).toBe('T2')
})

test('a caller’s request id is used as it is', async () => {
  const { server, client } = start()
  const submitted = client.submit(order, {}, { requestId: '01J00000000000000000000000' })
  await turn()
  expect(submissionsOf(server.session())[0]?.requestId).toBe('01J00000000000000000000000')
  accept(server)
  await submitted
})

test('C4: a watch that is waited for is asked again on a new stream; one that nobody wants is not', async () => {
  const { server, clock, client } = start()
  const submitted = Promise.all([client.submit(order, {}), client.submit(order, {})])
  await turn()
  accept(server)
  const [wanted, idle] = await submitted
  const result = wanted.result()
  server.session().break()
  clock.advance(5_000)
  await turn()
  expect(watchesOf(server.session())).toEqual(['T1'])
  server.session().send({ outcomes: [completed('T1', 1)] })
  expect(await result).toBe(1)
  const late = idle.result()
  await turn()
  expect(watchesOf(server.session())).toEqual(['T1', 'T2'])
  server.session().send({ outcomes: [completed('T2', 2)] })
  expect(await late).toBe(2)
})

test('C5: a refused submission rejects with what the server said, and the others live on', async () => {
  const { server, client } = start()
  const refused = client.submit(order, {})
  const taken = client.submit(order, {})
  await turn()
  const [bad, good] = submissionsOf(server.session())
  const problem = { code: 'SCHEMA_VIOLATION', message: 'must be text', path: '/id', line: 0, column: 0, hint: '' }
  server.session().send({
    submitted: [
      {
        requestId: bad?.requestId ?? '',
        taskId: '',
        existing: false,
        consistencyToken: '',
        error: {
          code: 'INVALID_INPUT',
          reason: 'INPUT_SCHEMA_VIOLATION',
          message: 'does not fit',
          hint: 'look',
          retryable: false,
          errors: [problem],
          context: { task: 'order' },
        },
      },
      { requestId: good?.requestId ?? '', taskId: 'T9', existing: true, consistencyToken: '1:1', error: undefined },
    ],
  })
  await expect(refused).rejects.toMatchObject({
    name: 'TaskerError',
    code: 'INVALID_INPUT',
    reason: 'INPUT_SCHEMA_VIOLATION',
    hint: 'look',
    errors: [{ path: '/id', message: 'must be text' }],
    context: { task: 'order' },
  })
  expect(await taken).toMatchObject({ taskId: 'T9', existing: true, consistencyToken: '1:1' })
})

test('no more submissions are on their way than allowed; the others wait for their turn', async () => {
  const { server, client } = start({ maxInFlight: 2 })
  const handles = Promise.all([1, 2, 3].map((n) => client.submit(order, { n })))
  await turn()
  expect(submissionsOf(server.session())).toHaveLength(2)
  accept(server)
  await turn()
  expect(submissionsOf(server.session())).toHaveLength(3)
  accept(server, 2)
  expect(await handles).toHaveLength(3)
})

test('submissions wait while the transport has enough', async () => {
  const { server, client } = start()
  const first = client.submit(order, {})
  await turn()
  server.session().block()
  const second = client.submit(order, {})
  await turn()
  const third = client.submit(order, {})
  await turn()
  expect(submissionsOf(server.session())).toHaveLength(2)
  server.session().unblock()
  expect(submissionsOf(server.session())).toHaveLength(3)
  accept(server)
  await Promise.all([first, second, third])
})

test('a submission nobody answers is given up with its request id, so that it can be repeated', async () => {
  const { server, clock, client } = start({ submitTimeout: '10s' })
  const submitted = client.submit(order, {})
  submitted.catch(() => undefined)
  await turn()
  const [sent] = submissionsOf(server.session())
  clock.advance(10_500)
  await expect(submitted).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    reason: 'NO_ANSWER',
    retryable: true,
    context: { request_id: sent?.requestId },
  })
  clock.advance(1_000)
  expect(clock.pending()).toBe(0)
})

test('a blocked task rejects with the steps that block it, and the next question is asked anew', async () => {
  const { server, client } = start()
  const submitted = client.submit(order, {})
  await turn()
  accept(server)
  const handle = await submitted
  const first = handle.result()
  const failure = { message: 'card refused', errorType: 'PermanentError', code: '', retryable: false, retryAfterMs: 0, stack: '' }
  server.session().send({
    outcomes: [{ taskId: 'T1', outcome: { $case: 'blocked', value: { steps: [{ stepId: 'charge', failure }] } } }],
  })
  const error = await first.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskBlockedError)
  expect(error).toMatchObject({ taskId: 'T1', reason: 'TASK_BLOCKED', steps: [{ stepId: 'charge', failure }] })
  const second = handle.result()
  await turn()
  expect(watchesOf(server.session())).toEqual(['T1'])
  server.session().send({ outcomes: [{ taskId: 'T1', outcome: { $case: 'cancelled', value: { reason: 'customer left' } } }] })
  const cancelled = await second.catch((thrown: unknown) => thrown)
  expect(cancelled).toBeInstanceOf(TaskCancelledError)
  expect(cancelled).toMatchObject({ cancelReason: 'customer left' })
})

test('a task that failed as a whole rejects with what ended it', async () => {
  const { server, client } = start()
  const result = client.task('T1').result()
  await turn()
  server.session().send({
    outcomes: [{ taskId: 'T1', outcome: { $case: 'failed', value: { code: 'COMPENSATED', message: 'taken back' } } }],
  })
  const error = await result.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskFailedError)
  expect(error).toMatchObject({ taskId: 'T1', reason: 'TASK_FAILED', failureCode: 'COMPENSATED' })
})

test('a watch that fails for a reason that may pass is asked again', async () => {
  const { server, clock, client } = start()
  const result = client.task('T1').result()
  await turn()
  const error = {
    code: 'UNAVAILABLE',
    reason: 'DATABASE_AWAY',
    message: 'later',
    hint: '',
    retryable: true,
    errors: [],
    context: {},
  }
  server.session().send({ outcomes: [{ taskId: 'T1', outcome: { $case: 'error', value: error } }] })
  await turn()
  clock.advance(100)
  await turn()
  expect(watchesOf(server.session())).toEqual(['T1', 'T1'])
  server.session().send({ outcomes: [completed('T1', 3)] })
  expect(await result).toBe(3)
})

test('a watch of a task that does not exist rejects', async () => {
  const { server, client } = start()
  const handle = client.task('T404')
  const result = handle.result()
  await turn()
  const error = {
    code: 'NOT_FOUND',
    reason: 'TASK_NOT_FOUND',
    message: 'no such task',
    hint: '',
    retryable: false,
    errors: [],
    context: {},
  }
  server.session().send({ outcomes: [{ taskId: 'T404', outcome: { $case: 'error', value: error } }] })
  await expect(result).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('two handles of one task share one watch', async () => {
  const { server, client } = start()
  const one = client.task('T1').result()
  const other = client.task('T1').result()
  await turn()
  expect(watchesOf(server.session())).toEqual(['T1'])
  server.session().send({ outcomes: [completed('T1', 5)] })
  expect(await Promise.all([one, other])).toEqual([5, 5])
})

test('a client that never asks for results stops asking for them in advance', async () => {
  const { server, client } = start({ maxInFlight: 10_000 })
  const handles = Promise.all(Array.from({ length: 5_000 }, () => client.submit(order, {})))
  await turn()
  accept(server)
  await handles
  const more = client.submit(order, {})
  await turn()
  expect(submissionsOf(server.session()).at(-1)?.watchOutcome).toBe(false)
  accept(server, 5_000)
  const result = (await more).result()
  await turn()
  expect(watchesOf(server.session())).toHaveLength(1)
  client.close()
  await expect(result).rejects.toMatchObject({ reason: 'CLIENT_CLOSED' })
})

test('a definition is registered once a client, before its first submission', async () => {
  const { server, client } = start()
  const task = defineTask('order', { namespace: 'shop', version: '1.0.0' }).step('a', () => null)
  const handles = Promise.all([client.submit(task, { a: 1 }), client.submit(task, { a: 2 })])
  await turn()
  expect(server.registered.map(({ content }) => JSON.parse(content) as unknown)).toEqual([task.template()])
  accept(server)
  await handles
  expect(submissionsOf(server.session())[0]).toMatchObject({ namespace: 'shop', name: 'order', version: '1.0.0' })
})

test('a registration that was refused is tried again by the next submission', async () => {
  const { server, client } = start()
  server.registerErrors.push(new TaskerError({ code: 'CONFLICT', reason: 'TEMPLATE_CONFLICT', message: 'another content' }))
  const task = defineTask('order', { namespace: 'shop', version: '1.0.0' }).step('a', () => null)
  await expect(client.submit(task, {})).rejects.toMatchObject({ code: 'CONFLICT' })
  const second = client.submit(task, {})
  await turn()
  accept(server)
  await second
  expect(server.registered).toHaveLength(2)
})

test('a definition is registered as soon as its server can be reached, for as long as a submission may wait', async () => {
  const { server, clock, client } = start({ submitTimeout: '30s' })
  const task = defineTask('order', { namespace: 'shop', version: '1.0.0' }).step('a', () => null)
  server.registerErrors.push(unreachable(), unreachable(), unreachable())
  const submitted = client.submit(task, {})
  for (let tries = 0; tries < 3; tries++) {
    await turn()
    clock.advance(1_000)
  }
  await turn()
  accept(server)
  expect((await submitted).taskId).toBe('T1')
  expect(server.registered).toHaveLength(4)
})

test('a server that stays away fails the submission when its time is over, and a closed client asks no more', async () => {
  const { server, clock, client } = start({ submitTimeout: '5s' })
  const define = (name: string) => defineTask(name, { namespace: 'shop', version: '1.0.0' }).step('a', () => null)
  server.registerErrors.push(...Array.from({ length: 100 }, () => unreachable()))
  const late = expect(client.submit(define('late'), {})).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  for (let tries = 0; tries < 10; tries++) {
    await turn()
    clock.advance(1_000)
  }
  await late
  const asked = server.registered.length
  const given = expect(client.submit(define('given_up'), {})).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await turn()
  client.close()
  clock.advance(4_000)
  await given
  expect(server.registered).toHaveLength(asked + 1)
})

test('an input that does not fit the schema is refused before anything is sent, with every failing path', async () => {
  const { server, client } = start()
  const input = z.object({ order: z.object({ id: z.string() }), tags: z.array(z.string()) })
  const task = defineTask('order', { namespace: 'shop', version: '1.0.0', input }).step('a', () => null)
  const wrong: unknown = { order: { id: 1 }, tags: ['x', 2] }
  await expect(client.submit(task, wrong as z.input<typeof input>)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    errors: [{ path: '/order/id' }, { path: '/tags/1' }],
  })
  expect(server.registered).toEqual([])
  expect(server.sessions).toEqual([])
})

test('what is sent is the input as given, not the schema’s output', async () => {
  const { server, client } = start()
  const input = z.object({ at: z.string().transform((text) => text.length) })
  const task = defineTask('order', { namespace: 'shop', version: '1.0.0', input }).step('a', () => null)
  const submitted = client.submit(task, { at: 'noon' })
  await turn()
  expect(submissionsOf(server.session())[0]?.context?.data.toString()).toBe('{"at":"noon"}')
  accept(server)
  await submitted
})

test('an input that JSON cannot hold is refused with its place', async () => {
  const { client } = start()
  await expect(client.submit(order, { lines: [{ amount: 1n }] })).rejects.toMatchObject({
    reason: 'INPUT_NOT_SERIALIZABLE',
    errors: [{ path: '/lines/0/amount' }],
  })
})

test('the options of a submission are on the wire', async () => {
  const { server, client } = start({ namespace: 'shop' })
  const runAt = new Date(1_800_000_000_000)
  const options = { idempotencyKey: 'K', priority: 0, tags: ['x'], reason: 'r', initiator: 'i', correlationId: 'c', runAt }
  const submitted = client.submit({ name: 'order' }, {}, { ...options, onDuplicate: 'return' })
  await turn()
  expect(submissionsOf(server.session())[0]).toMatchObject({
    namespace: 'shop',
    version: '',
    idempotencyKey: 'K',
    priority: 0,
    tags: ['x'],
    reason: 'r',
    initiator: 'i',
    correlationId: 'c',
    runAtMs: 1_800_000_000_000,
    onDuplicate: 2,
  })
  accept(server)
  await submitted
})

test('a task named without a namespace is refused when the client has none either', async () => {
  const { client } = start()
  await expect(client.submit({ name: 'order' }, {})).rejects.toMatchObject({ reason: 'MISSING_NAMESPACE' })
})

test('events go on after a lost stream from where they were, and end with the task', async () => {
  const { server, clock, client } = start()
  const event = (version: number) => ({
    version,
    type: `step.${version}`,
    atMs: 1_000,
    actor: 'worker',
    data: payload({ version }),
  })
  server.watchScripts.push(
    { messages: [{ events: [event(1), event(2)] }], error: unreachable() },
    { messages: [{ events: [event(3)] }] },
  )
  const seen: number[] = []
  const followed = (async () => {
    for await (const { version, data } of client.task('T1').events()) {
      expect(data).toEqual({ version })
      seen.push(version)
    }
  })()
  await turn()
  clock.advance(1_000)
  await followed
  expect(seen).toEqual([1, 2, 3])
  expect(server.watched).toEqual([
    { taskId: 'T1', afterVersion: 0 },
    { taskId: 'T1', afterVersion: 2 },
  ])
})

test('waiting for a result can be given up', async () => {
  const { client } = start()
  const abort = new AbortController()
  const result = client.task('T1').result({ signal: abort.signal })
  abort.abort()
  await expect(result).rejects.toMatchObject({ name: 'AbortError' })
})

test('a closed client rejects what waits and what comes', async () => {
  const { client } = start()
  const submitted = client.submit(order, {})
  submitted.catch(() => undefined)
  const result = client.task('T1').result()
  result.catch(() => undefined)
  await turn()
  client.close()
  await expect(submitted).rejects.toMatchObject({ reason: 'CLIENT_CLOSED' })
  await expect(result).rejects.toBeInstanceOf(TaskerError)
  await expect(client.submit(order, {})).rejects.toMatchObject({ reason: 'CLIENT_CLOSED' })
  await expect(client.task('T1').result()).rejects.toMatchObject({ reason: 'CLIENT_CLOSED' })
})

test('large inputs leave in messages of a bounded size', async () => {
  const { server, client } = start()
  const handles = Promise.all([1, 2, 3, 4, 5].map(() => client.submit(order, { text: 'x'.repeat(1_500_000) })))
  await turn()
  expect(server.session().received.map(({ submissions }) => submissions.length)).toEqual([2, 2, 1])
  accept(server)
  expect(await handles).toHaveLength(5)
})
