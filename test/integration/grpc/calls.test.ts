/** The unary calls and the watch against the whole server: what was submitted is seen, followed, listed and cancelled. */
import { status, type ServiceError } from '@grpc/grpc-js'
import type { CancelResponse, GivenEvent, ListResponse, SubmitResponse, TaskEvent, WatchResponse } from '@tasker/proto'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { readServerConfig } from '@tasker/server/internal/config'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import {
  clientsTo,
  connectWorker,
  detailOf,
  failureOf,
  hello,
  listRequest,
  request,
  submission,
  type Clients,
} from './wire-client.js'

const TEMPLATE = `
name: order
namespace_name: shop
version: 1.0.0
steps:
  - { name: a, handler: { callable: Handlers.a } }
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
})
afterAll(async () => {
  clients.close()
  await server.stop()
  await database.drop()
})

type Callback<Response> = (error: ServiceError | null, response: Response) => void

const answer = <Response>(call: (callback: Callback<Response>) => unknown): Promise<Response> =>
  new Promise((resolve, reject) => call((error, response) => (error === null ? resolve(response) : reject(error))))

const submitted = (requestId = ''): Promise<SubmitResponse> =>
  answer((done) => clients.tasks.submit(submission({ requestId }), done))

const listed = (consistencyToken: string): Promise<ListResponse> =>
  answer((done) =>
    clients.tasks.list(
      listRequest({
        namespace: 'shop',
        status: ['pending', 'steps_in_process', 'complete', 'cancelled'],
        consistencyTokens: [consistencyToken],
      }),
      done,
    ),
  )

const watched = (taskId: string): Promise<readonly TaskEvent[]> =>
  new Promise((resolve, reject) => {
    const events: TaskEvent[] = []
    const call = clients.tasks.watch({ taskId, afterVersion: 0 })
    call.on('data', (message: WatchResponse) => events.push(...message.events))
    call.on('error', reject)
    call.on('end', () => resolve(events))
  })

/** Runs every command it is given. */
const worker = async () => {
  const stream = connectWorker(clients)
  stream.call.on('data', ({ commands }: (typeof stream.messages)[number]) => {
    const results = commands.map(
      ({ ref }) =>
        ({
          ref,
          outcome: { $case: 'success', value: { encoding: '', data: Buffer.from('"done"') } },
          metadata: undefined,
          events: [] as GivenEvent[],
        }) as const,
    )
    if (results.length > 0) stream.call.write(request({ results }))
  })
  stream.call.write(request({ hello: hello() }))
  await stream.until((messages) => messages.length > 0)
  return stream
}

test('a template is registered once, found by name, and refused when its content changes', async () => {
  const first = await answer((done) => clients.templates.register({ content: TEMPLATE, replace: false }, done))
  const again = await answer((done) => clients.templates.register({ content: TEMPLATE, replace: false }, done))
  expect([first, again]).toMatchObject([{ unchanged: false }, { unchanged: true }])
  const found = await answer((done) => clients.templates.getTemplate({ namespace: 'shop', name: 'order', version: '' }, done))
  expect(found).toMatchObject({ content: TEMPLATE, template: { version: '1.0.0' } })
  const changed = await failureOf((done) =>
    clients.templates.register({ content: TEMPLATE.replace('Handlers.a', 'Handlers.b'), replace: false }, done),
  )
  expect(changed.code).toBe(status.ALREADY_EXISTS)
  const missing = await failureOf((done) =>
    clients.templates.getTemplate({ namespace: 'shop', name: 'order', version: '2.0.0' }, done),
  )
  expect([missing.code, detailOf(missing)?.hint]).toEqual([status.NOT_FOUND, 'versions of shop/order: 1.0.0'])
})

test('a template with faults is refused with each of them', async () => {
  const broken = TEMPLATE.replace('name: a,', 'name: a, dependencies: [nothing],').replace('version: 1.0.0', 'version: x')
  const error = await failureOf((done) => clients.templates.register({ content: broken, replace: false }, done))
  expect(error.code).toBe(status.INVALID_ARGUMENT)
  expect(detailOf(error)?.errors.length).toBeGreaterThan(1)
})

test('a submission that is repeated gives the same task, and says that it was there', async () => {
  const requestId = '01JGZZZZZZ000000000000000R'
  const [first, again] = [await submitted(requestId), await submitted(requestId)]
  expect([again.taskId, first.existing, again.existing]).toEqual([first.taskId, false, true])
  await answer((done) => clients.tasks.cancel({ taskId: first.taskId, reason: '' }, done))
})

test('a task is followed to its end, its result awaited, and a list with its token shows it', async () => {
  const stream = await worker()
  const task = await submitted()
  const [events, waited] = await Promise.all([
    watched(task.taskId),
    answer((done) => clients.tasks.awaitResult({ taskId: task.taskId }, done)),
  ])
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1))
  expect([events[0]?.type, events.at(-1)?.type]).toEqual(['task.submitted', 'task.completed'])
  expect(waited).toMatchObject({ outcome: { outcome: { $case: 'completed', value: { data: Buffer.from('{"a":"done"}') } } } })
  expect((await listed(task.consistencyToken)).tasks.map(({ taskId }) => taskId)).toContain(task.taskId)
  expect(await watched(task.taskId)).toHaveLength(events.length)
  stream.call.end()
  await stream.ended
})

test('a finished task cannot be cancelled: FAILED_PRECONDITION, with the reason', async () => {
  const task = await submitted()
  const cancelled: CancelResponse = await answer((done) => clients.tasks.cancel({ taskId: task.taskId, reason: 'no more' }, done))
  expect(cancelled.consistencyToken).not.toBe('')
  const again = await failureOf((done) => clients.tasks.cancel({ taskId: task.taskId, reason: '' }, done))
  expect([again.code, detailOf(again)?.code]).toEqual([status.FAILED_PRECONDITION, 'INVALID_STATE'])
  const waited = await answer((done) => clients.tasks.awaitResult({ taskId: task.taskId }, done))
  expect(waited).toMatchObject({ outcome: { outcome: { $case: 'cancelled', value: { reason: 'no more' } } } })
})
