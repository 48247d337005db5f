/** What happened to a task: as of, explained, replayed and compared, on a real server over REST, gRPC, the SDK and the command line. */
import { credentials } from '@grpc/grpc-js'
import {
  type ExplainResponse,
  type GetResponse,
  type ListStepsResponse,
  StepServiceClient,
  TaskServiceClient,
} from '@tasker/proto'
import { Client, defineTask, PermanentError, type TaskDefinition, TaskerError, Worker } from '@tasker/sdk'
import { runCommandLine } from '@tasker/server/internal/cli/program'
import { terminalOver } from '@tasker/server/internal/cli/terminal'
import { type RunningServer, startServer } from '@tasker/server/internal/compose'
import { EXPLANATION } from '@tasker/server/internal/rest/schema/task-explain'
import { DIFF, REPLAY } from '@tasker/server/internal/rest/schema/task-past'
import { GRAPH, STEP_LIST, TASK } from '@tasker/server/internal/rest/schema/task'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { serverConfig } from '../sdk/server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const PATIENCE_MS = 20_000

let database: TestDatabase
let server: RunningServer
let client: Client
let tasks: TaskServiceClient
let steps: StepServiceClient
const closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
  client = new Client({ url: server.grpcUrl, logger: silent })
  tasks = new TaskServiceClient(server.grpcUrl, credentials.createInsecure())
  steps = new StepServiceClient(server.grpcUrl, credentials.createInsecure())
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(async () => {
  for (const one of [client, tasks, steps]) one.close()
  await server.stop()
  await database.drop()
})

const work = (namespace: string, definition: TaskDefinition, slots = 10): void => {
  const worker = new Worker({ url: server.grpcUrl, namespace, tasks: [definition], slots, signals: false, logger: silent })
  const ended = worker.run()
  closing.push(async () => {
    await worker.stop()
    await ended
  })
}

const get = async (path: string) => {
  const response = await fetch(`${server.restUrl}/v1/tasks/${path}`)
  return { status: response.status, body: await response.json() }
}

const call = <Response>(ask: (callback: (error: Error | null, response: Response) => void) => unknown): Promise<Response> =>
  new Promise((resolve, reject) => ask((error, response) => (error === null ? resolve(response) : reject(error))))

const tasker = async (...args: readonly string[]) => {
  let out = ''
  let err = ''
  const terminal = terminalOver({ write: (text) => (out += text) }, { write: (text) => (err += text) }, false)
  const host = { environment: { TASKER_URL: server.restUrl }, stdin: Readable.from(['']), terminal: () => terminal }
  return { exitCode: await runCommandLine(args, host), out, err }
}

const priced = defineTask('priced', { namespace: 'past', version: '1.0.0' })
  .step('price', ({ input }) => ({ total: JSON.stringify(input).length }))
  .step('charge', { after: ['price'] }, ({ deps }) => deps.price)

test('a task is read as it was after each of its events, over every door', async () => {
  work('past', priced)
  const handle = await client.submit(priced, { order: 1 })
  await handle.result()
  const events = []
  for await (const event of handle.events()) events.push(event)
  const started = events.find(({ type }) => type === 'step.started')
  if (started === undefined) throw new Error('a step was started')
  const { version, at } = started
  const past = { version, at: at.toISOString() }
  const price = { step_id: 'price', status: 'in_progress', attempts: 1, output: null }

  const { body } = await get(`${handle.taskId}?at_version=${version}`)
  expect(TASK.parse(body)).toMatchObject({
    status: 'steps_in_process',
    stream_version: version,
    as_of: past,
    steps: [price, { status: 'pending' }],
  })
  const listed = STEP_LIST.parse((await get(`${handle.taskId}/workflow_steps?at_version=${version}`)).body)
  expect(listed).toMatchObject({ as_of: past, steps: [price, {}] })
  const graph = GRAPH.parse((await get(`${handle.taskId}/graph?at_version=${version}`)).body)
  expect(graph).toMatchObject({ as_of: past, nodes: [{ status: 'in_progress' }, { status: 'pending' }] })
  const mermaid = await fetch(`${server.restUrl}/v1/tasks/${handle.taskId}/graph?format=mermaid&at_version=${version}`)
  expect(await mermaid.text()).toContain('price<br/>in_progress')
  const explained = EXPLANATION.parse((await get(`${handle.taskId}/explain?at_version=${version}`)).body)
  expect(explained).toMatchObject({
    as_of: past,
    steps: [{ step_id: 'charge', chain: [{ step_id: 'price', reason: 'running' }], root_causes: ['price'] }],
  })

  const request = { taskId: handle.taskId, atVersion: version }
  const asOf = { version, atMs: at.getTime() }
  expect(await call<GetResponse>((callback) => tasks.get(request, callback))).toMatchObject({
    asOf,
    task: { streamVersion: version },
  })
  expect(await call<ListStepsResponse>((callback) => steps.listSteps(request, callback))).toMatchObject({
    asOf,
    steps: [{ status: 'in_progress' }, {}],
  })
  expect(await call<ExplainResponse>((callback) => tasks.explain(request, callback))).toMatchObject({
    asOf,
    steps: [{ chain: [{ stepId: 'price' }] }],
  })

  expect(await handle.state({ atVersion: version })).toMatchObject({
    asOf: { version, at },
    status: 'steps_in_process',
    steps: [{ status: 'in_progress' }, {}],
  })
  expect(await handle.state({ atTime: new Date(Date.now() + 60_000) })).toMatchObject({
    status: 'complete',
    asOf: { version: events.length },
  })
  expect((await handle.state()).asOf).toBeUndefined()
  expect(await handle.explain({ atVersion: version })).toMatchObject({
    asOf: { version },
    steps: [{ stepId: 'charge', rootCauses: ['price'] }],
  })

  const shown = await tasker('task', 'get', handle.taskId, '--at-version', String(version))
  expect(shown.out).toContain(`as of version ${version}, ${past.at}`)
  expect((await tasker('task', 'graph', handle.taskId, '--at-time', past.at)).out).toContain('as of version')
})

test('moments that cannot be are refused with a reason', async () => {
  work('past', priced)
  const handle = await client.submit(priced, { order: 2 })
  await handle.result()
  const reasons = async (query: string) => {
    const { status, body } = await get(`${handle.taskId}?${query}`)
    return [status, (body as { reason?: string }).reason]
  }
  expect(await reasons('at_version=999')).toEqual([404, 'VERSION_AHEAD'])
  expect(await reasons('at_time=0')).toEqual([404, 'BEFORE_FIRST_EVENT'])
  expect(await reasons('at_time=2001-01-01T00:00:00Z')).toEqual([404, 'BEFORE_FIRST_EVENT'])
  expect(await reasons('at_version=1&at_time=1')).toEqual([422, 'INVALID_INPUT'])
  expect(await reasons('at_version=0')).toEqual([422, 'INVALID_REQUEST'])
  expect(await reasons('at_time=yesterday')).toEqual([422, 'INVALID_REQUEST'])
  await expect(handle.state({ atVersion: 999 })).rejects.toThrow(TaskerError)
  const both = await tasker('task', 'get', handle.taskId, '--at-version', '1', '--at-time', '1')
  expect([both.exitCode, both.err]).toEqual([2, expect.stringContaining('two moments')])
})

test('all slots that are busy, and the task that has the place of a key, are named', async () => {
  let letGo = (): void => undefined
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const keyed = defineTask('keyed', { namespace: 'keyed', version: '1.0.0' }).step(
    'sync',
    { concurrency: { key: 'eu', limit: 1 } },
    async () => held,
  )
  const busy = defineTask('busy', { namespace: 'busy', version: '1.0.0' }).step('sit', async () => held)
  work('keyed', keyed)
  work('busy', busy, 1)
  const whyOf = async (taskId: string) => EXPLANATION.parse((await get(`${taskId}/explain`)).body).steps[0]
  const running = async (taskId: string) =>
    TASK.parse((await get(taskId)).body).steps[0]?.status === 'in_progress' ? true : undefined
  const [holder, sitter] = [await client.submit(keyed, {}), await client.submit(busy, {})]
  for (const { taskId } of [holder, sitter]) await until('it runs', PATIENCE_MS, () => running(taskId))
  const [waits, stands] = [await client.submit(keyed, {}), await client.submit(busy, {})]
  expect(await whyOf(waits.taskId)).toMatchObject({
    reason: 'key',
    held_by: [{ task_id: holder.taskId, step_id: 'sync', attempt: 1 }],
  })
  expect((await whyOf(stands.taskId))?.why).toMatch(/all 1 slots of the 1 workers that offer .+ are busy/)
  letGo()
  await Promise.all([waits.result(), stands.result()])
})

test('what a blocked task needs is typed as it is told', async () => {
  let mayShip = false
  const stuck = defineTask('stuck', { namespace: 'stuck', version: '1.0.0' })
    .step('pack', () => 'packed')
    .step('ship', { after: ['pack'] }, () => {
      if (!mayShip) throw new PermanentError('no truck left')
      return 'shipped'
    })
    .step('bill', { after: ['ship'] }, () => 'billed')
  work('stuck', stuck)
  const handle = await client.submit(stuck, {})
  await expect(handle.result()).rejects.toThrow()
  const { out } = await tasker('task', 'explain', handle.taskId)
  expect(out).toContain('It failed for good: no truck left')
  expect(out).toContain('because ship (error): It failed for good: no truck left')
  const command = out.split('\n').find((line) => line.includes('$ tasker step reset'))
  expect(command).toContain(`$ tasker step reset ${handle.taskId} ship`)
  mayShip = true
  expect((await tasker(...(command?.split('$ tasker ')[1] ?? '').split(' '))).exitCode).toBe(0)
  expect(await handle.result()).toEqual({ bill: 'billed' })
})

test('a replay tells each state forward and back, whole or in part', async () => {
  work('past', priced)
  const handle = await client.submit(priced, { order: 3 })
  await handle.result()
  const frames = REPLAY.parse((await get(`${handle.taskId}/replay?limit=500`)).body)
  expect(frames.frames.map(({ version }) => version)).toEqual(frames.frames.map((_, index) => index + 1))
  const first = REPLAY.parse((await get(`${handle.taskId}/replay?limit=2`)).body)
  expect([first.frames.length, first.next_cursor]).toEqual([2, '2'])
  const forward = (await tasker('task', 'replay', handle.taskId, '--json')).out.trim().split('\n')
  const back = (await tasker('task', 'replay', handle.taskId, '--json', '--reverse')).out.trim().split('\n')
  expect(forward.map((line) => stands(line)[0])).toEqual(frames.frames.map(({ version }) => version))
  expect(back.toReversed().map(stands)).toEqual(forward.map(stands))
  const part = await tasker('task', 'replay', handle.taskId, '--from-version', '4', '--to-version', '5', '--json')
  expect(part.out.trim().split('\n').map(stands)).toEqual(forward.slice(3, 5).map(stands))
  const text = (await tasker('task', 'replay', handle.taskId)).out
  expect(text).toContain('price: in_progress -> complete, output {"total":')
  expect(text).toContain('task: ')
})

const LINE = z.looseObject({ version: z.number(), steps: z.array(z.looseObject({ step_id: z.string() })) })

const stands = (line: string) => {
  const { version, steps: listed } = LINE.parse(JSON.parse(line))
  return [version, listed.toSorted(byName)] as const
}

const byName = (a: { readonly step_id: string }, b: { readonly step_id: string }): number => (a.step_id < b.step_id ? -1 : 1)

test('two tasks are compared over every door: 0 for the same, 1 for others', async () => {
  work('past', priced)
  const [one, same, other] = [
    await client.submit(priced, { n: 1 }),
    await client.submit(priced, { n: 1 }),
    await client.submit(priced, { n: 100 }),
  ]
  await Promise.all([one.result(), same.result(), other.result()])
  const alike = await tasker('task', 'diff', one.taskId, same.taskId)
  expect([alike.exitCode, alike.out]).toEqual([0, expect.stringContaining('they are the same')])
  const apart = await tasker('task', 'diff', one.taskId, other.taskId)
  expect(apart.exitCode).toBe(1)
  expect(apart.out).toContain('context /n')
  expect(apart.out).toContain('step price output /total')
  const body = DIFF.parse((await get(`${one.taskId}/diff?other=${other.taskId}`)).body)
  expect(body).toMatchObject({ same: false, first_divergence: { step_id: null, a: { type: 'task.submitted' } }, cut: false })
  expect(await one.diff(other)).toEqual({ same: false, diff: body })
  expect((await one.diff(same.taskId)).same).toBe(true)
  expect((await get(`${one.taskId}/diff`)).status).toBe(422)
  expect((await get(`${one.taskId}/diff?other=01JGFJJZ00AAAAAAAAAAAAAAAA`)).status).toBe(404)
  expect(await one.compensation()).toMatchObject({ state: 'not_started', withoutWayBack: ['price', 'charge'] })
})
