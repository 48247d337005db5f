/** Durable functions at every door: a real server on a real PostgreSQL, a worker from the stubs (W20 to W25), callers over REST, gRPC and the command line. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '@tasker/server/internal/compose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../support/postgres.js'
import { tasker } from '../cli/processes.js'
import { type Clients, clientsTo, detailOf, submission } from '../grpc/wire-client.js'
import { call } from '../sdk/every-door.js'
import { serverConfig } from '../sdk/server-config.js'
import { FunctionWorker, inShort, payload, plainCall, ranWell, text } from './function-worker.js'

type Server = Awaited<ReturnType<typeof startServer>>
let database: Awaited<ReturnType<typeof freshDatabase>>
let server: Server
let clients: Clients
let worker: FunctionWorker
let names = 0

const clientsOf = ({ grpcUrl }: Server): Clients => clientsTo(Number(grpcUrl.split(':').at(-1)))

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
  clients = clientsOf(server)
})
afterEach(() => worker.cut())
afterAll(async () => {
  clients.close()
  await server.stop()
  await database.drop()
})

const rest = (method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.restUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  })

const json = async (response: Promise<Response>): Promise<Record<string, unknown>> =>
  (await (await response).json()) as Record<string, unknown>

/** A function of its own, registered, with a worker that offers it. */
const functionWithWorker = async (): Promise<string> => {
  const name = `greet-${++names}`
  const document = { kind: 'function', name, namespace_name: 'shop', version: '1.0.0' }
  expect((await rest('POST', '/v1/templates', JSON.stringify(document))).status).toBe(201)
  worker = new FunctionWorker(clients, `01JGZZZZZZ000000000000${String(1_000 + names)}`, [`${name}@1.0.0/run`])
  await worker.connect()
  return name
}

const submitted = async (name: string, context = '{"n":1}'): Promise<string> => {
  const answer = await json(rest('POST', '/v1/tasks', `{"namespace":"shop","name":"${name}","context":${context}}`))
  return String(answer['task_id'])
}

const statusOf = async (taskId: string) => (await json(rest('GET', `/v1/tasks/${taskId}`)))['status']

test('a function is told what it begins with, records, is suspended, is signalled, and ends with its result', async () => {
  const name = await functionWithWorker()
  const taskId = await submitted(name, '{"n": 1.50}')
  const first = await worker.command(1)
  expect(first).toMatchObject({ ref: { taskId, stepId: 'run', attempt: 1 }, input: undefined, handler: `${name}@1.0.0/run` })
  expect(first.function).toMatchObject({ life: 1, from: 0, length: 0, entries: [] })
  expect(text(first.function?.input)).toBe('{"n": 1.50}')
  worker.record(first, [
    ranWell('a', { x: 1 }),
    { key: 'p', proposal: { $case: 'patch', value: {} } },
    { key: 'shown', proposal: { $case: 'state', value: payload('here') } },
    { key: 't', proposal: { $case: 'timer', value: { forSignal: true, dueAtMs: Date.now() + 3_600_000 } } },
  ])
  const answer = await worker.told(1)
  expect(answer).toMatchObject({ ref: first.ref, life: 1, from: 0, recorded: 1, refused: undefined, pause: 0 })
  expect(answer.entries.map(inShort)).toEqual([
    'step a as proposed',
    'patch p as proposed',
    'state shown as proposed',
    'timerStarted t as proposed',
  ])
  expect(text(answer.entries[2]?.fact?.$case === 'state' ? answer.entries[2].fact.value : undefined)).toBe('')
  worker.record(first, [ranWell('b', 2)], { $case: 'suspend', value: { seen: 4, keeps: false } })
  expect(await worker.told(2)).toMatchObject({ recorded: 2, pause: 1, from: 4 })
  expect(await statusOf(taskId)).toBe('waiting_for_signal')
  const sent = await rest('POST', `/v1/tasks/${taskId}/signals/go%20on`, '{"by": 1.50}')
  expect([sent.status, await sent.json()]).toEqual([200, { task_id: taskId, name: 'go on' }])
  const second = await worker.command(2)
  expect(second.function?.entries.map(inShort)).toEqual([
    'step a',
    'patch p',
    'state shown',
    'timerStarted t',
    'step b',
    'signal',
  ])
  const fact = second.function?.entries[5]?.fact
  expect(fact?.$case === 'signal' && [fact.value.number, fact.value.name, text(fact.value.payload)]).toEqual([
    1,
    'go on',
    '{"by": 1.50}',
  ])
  worker.end(second, { $case: 'success', value: payload('done') })
  expect(await worker.ack()).toMatchObject({ status: 1 })
  expect(await json(rest('GET', `/v1/tasks/${taskId}/result`))).toMatchObject({ status: 'complete', result: 'done' })
})

test('after a broken stream the journal comes again whole, before the records that are sent again (W22)', async () => {
  const taskId = await submitted(await functionWithWorker())
  const run = await worker.command(1)
  worker.record(run, [ranWell('a', 'first')])
  await worker.told(1)
  worker.cut()
  expect((await rest('POST', `/v1/tasks/${taskId}/signals/meanwhile`)).status).toBe(200)
  await worker.connect([run])
  worker.record(run, [ranWell('a', 'first')], undefined, 1)
  const [whole, again] = [await worker.told(1), await worker.told(2)]
  expect(whole).toMatchObject({ from: 0, recorded: 0 })
  expect(text(whole.input)).toBe('{"n":1}')
  expect(whole.entries.map(inShort)).toEqual(['step a', 'signal'])
  expect(again).toMatchObject({ from: 2, entries: [], recorded: 1, refused: undefined })
  worker.wanted(run)
  expect((await worker.told(3)).entries.map(inShort)).toEqual(['step a', 'signal'])
})

test('what a server cannot read or does not do is refused with a reason, and the run goes on', async () => {
  await submitted(await functionWithWorker())
  const run = await worker.command(1)
  worker.record(run, [ranWell('a', 1), { key: 'c', proposal: { $case: 'call', value: plainCall('') } }])
  worker.record(run, [{ key: '', proposal: { $case: 'patch', value: {} } }])
  worker.record(run, [{ key: 's', proposal: { $case: 'state', value: payload('x'.repeat(70_000)) } }])
  worker.record(run, [ranWell('a', 2)])
  await worker.told(4)
  expect(worker.news.map(({ recorded, refused, pause }) => [recorded, refused?.reason, pause])).toEqual([
    [1, 'BAD_NAME', 0],
    [2, 'RECORD_NOT_READ', 0],
    [3, 'RECORD_TOO_LARGE', 0],
    [4, undefined, 0],
  ])
})

test('a cancelled function hears it as news alone, and is cancelled when it says so (W25)', async () => {
  const taskId = await submitted(await functionWithWorker())
  const run = await worker.command(1)
  expect((await rest('POST', `/v1/tasks/${taskId}/cancel`, '{"reason":"enough"}')).status).toBe(200)
  const [entry] = (await worker.told(1)).entries
  expect(entry?.fact).toEqual({ $case: 'cancelRequested', value: { reason: 'enough' } })
  worker.end(run, { $case: 'cancelled', value: {} })
  await worker.ack()
  expect(await statusOf(taskId)).toBe('cancelled')
  expect(worker.messages.flatMap(({ cancellations }) => cancellations)).toEqual([])
})

test('a function that continues goes on in the same attempt with a new life', async () => {
  await submitted(await functionWithWorker())
  const run = await worker.command(1)
  worker.record(run, [ranWell('a', 1)], { $case: 'continued', value: { input: payload(2), seen: 0, unread: [] } })
  const answer = await worker.told(1)
  expect(answer).toMatchObject({ life: 2, from: 0, entries: [], recorded: 1, pause: 0 })
  expect([text(answer.input), answer.beganAtMs > 0]).toEqual(['2', true])
})

test('a function that diverged is explained, and runs again when it is retried at the command line', async () => {
  const taskId = await submitted(await functionWithWorker())
  const run = await worker.command(1)
  worker.record(run, [], { $case: 'diverged', value: { expected: 'step a', actual: 'step b', line: 'f.ts:1:2' } })
  expect(await worker.told(1)).toMatchObject({ recorded: 1, pause: 2 })
  expect(await statusOf(taskId)).toBe('diverged')
  const environment = { TASKER_URL: server.restUrl, NO_COLOR: '1' }
  expect((await tasker(['task', 'explain', taskId], environment)).out).toContain('step b')
  expect((await tasker(['task', 'retry', taskId], environment)).exitCode).toBe(0)
  expect(await worker.command(2)).toMatchObject({ ref: { taskId, attempt: 2 } })
  expect((await tasker(['task', 'history', taskId], environment)).out).toContain('function.diverged')
})

test('a timer fires for a function that sleeps, also when the server was another meanwhile', async () => {
  const name = await functionWithWorker()
  await submitted(name)
  const run = await worker.command(1)
  const due = { key: 's', proposal: { $case: 'timer', value: { forSignal: false, dueAtMs: Date.now() + 1_500 } } } as const
  worker.record(run, [due], { $case: 'suspend', value: { seen: 0, keeps: false } })
  expect(await worker.told(1)).toMatchObject({ pause: 1 })
  clients.close()
  await server.stop()
  server = await startServer(serverConfig(database.url))
  clients = clientsOf(server)
  worker = new FunctionWorker(clients, worker.workerId, [`${name}@1.0.0/run`])
  await worker.connect()
  expect((await worker.command(1)).function?.entries.map(inShort)).toEqual(['timerStarted s', 'timerFired s'])
})

test('a function is registered, linted, compared and listed by its document at every door', async () => {
  worker = new FunctionWorker(clients, '01JGZZZZZZ0000000000009999', ['by-file@1.1.0/run'])
  await worker.connect()
  const environment = { TASKER_URL: server.restUrl, NO_COLOR: '1' }
  const folder = await mkdtemp(join(tmpdir(), 'tasker-functions-'))
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  try {
    const yaml = (version: string, more = ''): string =>
      `kind: function\nname: by-file\nnamespace_name: shop\nversion: ${version}\n${more}`
    const first = await file('first.yaml', yaml('1.0.0'))
    const second = await file('second.yaml', yaml('1.1.0', 'input_schema: {type: object, required: [n]}\n'))
    const wrong = await file('wrong.yaml', yaml('1.0', 'steps: []\n'))
    expect((await tasker(['template', 'lint', first], environment)).exitCode).toBe(0)
    const linted = await tasker(['template', 'lint', wrong], environment)
    expect(linted.exitCode).toBe(1)
    expect(`${linted.out}${linted.err}`).toMatch(/wrong\.yaml:5:1 UNKNOWN_FIELD/)
    for (const path of [first, second]) expect((await tasker(['template', 'register', path], environment)).exitCode).toBe(0)
    expect((await tasker(['template', 'diff', first, second], environment)).out).toContain('input_schema')
    expect((await tasker(['template', 'list'], environment)).out).toMatch(/by-file/)
  } finally {
    await rm(folder, { recursive: true })
  }
  const content = JSON.stringify({ kind: 'function', name: 'by-wire', namespace_name: 'shop', version: '1.0.0' })
  const made = await call((answer) => clients.templates.register({ content, replace: false }, answer))
  expect(made).toMatchObject({ template: { name: 'by-wire', version: '1.0.0' } })
  expect((await rest('POST', '/v1/tasks', '{"namespace":"shop","name":"by-file","context":{}}')).status).toBe(422)
  expect((await rest('POST', '/v1/tasks', '{"namespace":"shop","name":"by-file","context":{"n":1}}')).status).toBe(201)
  expect(await worker.command(1)).toMatchObject({ templateVersion: '1.1.0' })
})

describe('what callers say and ask', () => {
  test('a signal with its start makes the task once, and a repeat with the request id is the same signal', async () => {
    const name = await functionWithWorker()
    const id = '01JGZZZZZZ00000000000000AA'
    const body = (key: string) =>
      `{"namespace":"shop","name":"${name}","context":{},"request_id":"${id}","idempotency_key":"${key}","signal":{"name":"go","payload":1e400000000000000}}`
    expect((await rest('POST', '/v1/tasks', body('k'))).status).toBe(422)
    const whole = body('k').replace('1e400000000000000', '{"v":1}')
    const first = await rest('POST', '/v1/tasks', whole)
    expect(first.status).toBe(201)
    const taskId = String(((await first.json()) as Record<string, unknown>)['task_id'])
    expect((await rest('POST', '/v1/tasks', whole)).status).toBe(200)
    const other = whole.replace(id, '01JGZZZZZZ00000000000000AB')
    expect(await json(rest('POST', '/v1/tasks', other))).toMatchObject({ task_id: taskId })
    const { events } = (await json(rest('GET', `/v1/tasks/${taskId}/events`))) as { events: { type: string }[] }
    expect(events.filter(({ type }) => type === 'signal.received')).toHaveLength(2)
    const wire = submission({
      name,
      requestId: '01JGZZZZZZ00000000000000AC',
      idempotencyKey: 'k',
      context: payload({}),
      signal: { name: 'go', payload: undefined },
    })
    expect(await call((answer) => clients.tasks.submit(wire, answer))).toMatchObject({ taskId, existing: true })
    const shell = await tasker(
      ['task', 'submit', `shop/${name}`, '--idempotency-key', 'k', '--signal', 'go', '--signal-payload', '{"v":2}'],
      { TASKER_URL: server.restUrl, NO_COLOR: '1' },
    )
    expect([shell.exitCode, shell.out.trim()]).toEqual([0, `${taskId} (was there already)`])
  })

  test('signals come over gRPC and the command line too, and what the function shows is read at each door', async () => {
    const taskId = await submitted(await functionWithWorker())
    const run = await worker.command(1)
    worker.record(run, [{ key: 'step', proposal: { $case: 'state', value: payload({ at: 1 }) } }])
    await worker.told(1)
    const signal = { taskId, signal: { name: 'wire', payload: payload(1) }, requestId: 'r' }
    await call((answer) => clients.tasks.signalTask(signal, answer))
    await call((answer) => clients.tasks.signalTask(signal, answer))
    const environment = { TASKER_URL: server.restUrl, NO_COLOR: '1' }
    expect((await tasker(['task', 'signal', taskId, 'shell', '--payload', '[1]'], environment)).exitCode).toBe(0)
    await worker.told(3)
    expect(
      worker.news.slice(1).flatMap(({ entries }) => entries.map(({ fact }) => fact?.$case === 'signal' && fact.value.name)),
    ).toEqual(['wire', 'shell'])
    expect(await json(rest('GET', `/v1/tasks/${taskId}/state`))).toEqual({ task_id: taskId, state: { step: { at: 1 } } })
    expect(await json(rest('GET', `/v1/tasks/${taskId}/state/step`))).toEqual({ task_id: taskId, key: 'step', value: { at: 1 } })
    expect(await json(rest('GET', `/v1/tasks/${taskId}/state/other`))).toMatchObject({ status: 404, reason: 'STATE_NOT_FOUND' })
    const { values } = await call<{ values: { key: string; value: Parameters<typeof text>[0] }[] }>((answer) =>
      clients.tasks.getTaskState({ taskId }, answer),
    )
    expect(values.map(({ key, value }) => [key, text(value)])).toEqual([['step', '{"at":1}']])
    expect((await tasker(['task', 'state', taskId], environment)).out).toMatch(/step\s+\{"at":1\}/)
    const graph = (await json(rest('GET', `/v1/tasks/${taskId}/graph`))) as { nodes: { id: string }[] }
    expect(graph.nodes.map(({ id }) => id)).toEqual(['run'])
  })

  test('signals that cannot be are refused: too large, without a name, to a task that is over or no function', async () => {
    const name = await functionWithWorker()
    const taskId = await submitted(name)
    const refused = async (path: string, body?: string) => {
      const answer = await json(rest('POST', path, body))
      return [answer['status'], answer['reason']]
    }
    const signals = `/v1/tasks/${taskId}/signals`
    expect(await refused(`${signals}/go`, JSON.stringify('x'.repeat(300_000)))).toEqual([413, 'SIGNAL_TOO_LARGE'])
    expect(await refused(`${signals}/go`, '{"a":')).toEqual([400, 'JSON_SYNTAX'])
    expect(await refused(`${signals}/${'n'.repeat(256)}`)).toEqual([422, 'INVALID_REQUEST'])
    expect(await refused(`/v1/tasks/01JGZZZZZZ00000000000000ZZ/signals/go`)).toEqual([404, 'TASK_NOT_FOUND'])
    worker.end(await worker.command(1), { $case: 'success', value: payload(1) })
    await worker.ack()
    expect(await refused(`${signals}/go`)).toEqual([409, 'TASK_FINISHED'])
    const plain = {
      name: `plain-${name}`,
      namespace_name: 'shop',
      version: '1.0.0',
      steps: [{ name: 'a', handler: { callable: 'nobody' } }],
    }
    expect((await rest('POST', '/v1/templates', JSON.stringify(plain))).status).toBe(201)
    const other = await submitted(plain.name)
    expect(await refused(`/v1/tasks/${other}/signals/go`)).toEqual([409, 'NO_FUNCTION'])
    expect(await json(rest('GET', `/v1/tasks/${other}/state`))).toMatchObject({ status: 409, reason: 'NO_FUNCTION' })
    const start = `{"namespace":"shop","name":"${plain.name}","context":{},"signal":{"name":"go","extra":1}}`
    expect(await refused('/v1/tasks', start)).toEqual([422, 'INVALID_REQUEST'])
    expect(await refused('/v1/tasks', start.replace(',"extra":1', ''))).toEqual([409, 'NO_FUNCTION'])
    const error = await call((answer) => clients.tasks.signalTask({ taskId, signal: undefined, requestId: '' }, answer)).catch(
      (thrown: unknown) => thrown,
    )
    expect(detailOf(error as Parameters<typeof detailOf>[0])).toMatchObject({
      reason: 'INVALID_INPUT',
      errors: [{ path: '/signal/name' }],
    })
  })

  test('a function that no worker offers in its version says so when it is explained', async () => {
    const name = await functionWithWorker()
    worker.cut()
    const taskId = await submitted(name)
    const told = await tasker(['task', 'explain', taskId], { TASKER_URL: server.restUrl, NO_COLOR: '1' })
    expect(told.out).toContain(`${name}@1.0.0/run`)
  })
})
