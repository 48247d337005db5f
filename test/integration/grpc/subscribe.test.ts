/** `EventService.Subscribe` over a real socket, on a whole engine: by cursor (E1, E3, E4) and live (E2). */
import { type ClientReadableStream, credentials, status } from '@grpc/grpc-js'
import { EventServiceClient, type SubscribeRequest, type SubscribeResponse, SubscriptionMode } from '@tasker/proto'
import { type GrpcServer, startGrpcServer } from '@tasker/server/internal/grpc/server'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestEngine, submissionOf, type ScriptedWorker, type TestEngine } from '../../support/engine.js'
import { engineDouble } from './engine-double.js'
import { detailOf } from './wire-client.js'

const template = (namespace: string) =>
  JSON.stringify({
    name: 'order',
    namespace_name: namespace,
    version: '1.0.0',
    steps: [
      {
        name: 'charge',
        handler: { callable: 'work' },
        publishes_events: [
          { name: 'card.charged' },
          { name: 'card.seen', delivery_mode: 'fast' },
          { name: 'order.paid', delivery_mode: 'broadcast' },
        ],
      },
    ],
  })

let on: TestEngine
let worker: ScriptedWorker
let server: GrpcServer
let client: EventServiceClient

beforeEach(async () => {
  on = await startTestEngine()
  await on.soon(on.engine.register(template('shop'), { replace: false, actor: 'tester' }))
  worker = on.worker()
  server = await startGrpcServer({
    ...engineDouble(),
    engine: on.engine,
    host: '127.0.0.1',
    port: 0,
    serverId: 'server-1',
    limits: { messageBytesTarget: 300, liveEventsWaitingMax: 5 },
  })
  client = new EventServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure())
})
afterEach(async () => {
  client.close()
  await server.stop(1_000)
})

let tasks = 0
const pay = async (output: object = {}): Promise<void> => {
  await on.submitted(submissionOf(++tasks))
  worker.complete(worker.command('charge'), output as never)
  await on.soon(Promise.resolve())
}

interface Heard {
  readonly call: ClientReadableStream<SubscribeResponse>
  readonly messages: SubscribeResponse[]
  names(): readonly string[]
  until(condition: () => boolean): Promise<void>
}

const EVERYTHING: SubscribeRequest = {
  namespace: '',
  patterns: [],
  mode: SubscriptionMode.SUBSCRIPTION_MODE_CURSOR,
  cursor: '',
  fromBeginning: false,
}

const subscribe = (request: Partial<SubscribeRequest> = {}): Heard => {
  const messages: SubscribeResponse[] = []
  let look = (): void => undefined
  const call = client.subscribe({ ...EVERYTHING, ...request })
  call.on('data', (message: SubscribeResponse) => {
    messages.push(message)
    look()
  })
  call.on('error', () => undefined)
  return {
    call,
    messages,
    names: () => messages.flatMap(({ events }) => events.map(({ name }) => name)),
    until: (condition) =>
      new Promise((resolve) => {
        look = () => (condition() ? resolve() : undefined)
        look()
      }),
  }
}

const cursorOf = ({ messages }: Heard): string =>
  messages
    .map(({ cursor }) => cursor)
    .filter((cursor) => cursor !== '')
    .at(-1) ?? ''

test('a subscription begins with its cursor, and meets what is recorded from then on', async () => {
  await pay()
  const heard = subscribe()
  await heard.until(() => heard.messages.length === 1)
  expect(heard.messages[0]).toMatchObject({ events: [], dropped: 0 })
  expect(cursorOf(heard)).not.toBe('')
  await pay({ id: 7 })
  await heard.until(() => heard.names().length === 2)
  expect(heard.names()).toEqual(['card.charged', 'order.paid'])
  expect(heard.messages.flatMap(({ events }) => events)[0]).toMatchObject({
    namespace: 'shop',
    stepId: 'charge',
    outcome: 'success',
    deliveryMode: 'durable',
    template: 'order@1.0.0',
    payload: { data: Buffer.from('{"id":7}') },
  })
  heard.call.cancel()
})

test('whoever comes back with a cursor meets everything behind it, and from the beginning everything there is', async () => {
  const first = subscribe()
  await first.until(() => first.messages.length === 1)
  const begin = cursorOf(first)
  for (let n = 0; n < 5; n++) await pay({ n })
  await first.until(() => first.names().length === 10)
  const end = cursorOf(first)
  first.call.cancel()
  const again = subscribe({ cursor: begin })
  await again.until(() => again.names().length === 10)
  const all = subscribe({ fromBeginning: true })
  await all.until(() => all.names().length === 10)
  const behind = subscribe({ cursor: end })
  await pay()
  await behind.until(() => behind.names().length > 0)
  expect(behind.names()).toEqual(['card.charged', 'order.paid'])
  for (const one of [again, all, behind]) one.call.cancel()
})

test('patterns and a namespace choose', async () => {
  const cards = subscribe({ fromBeginning: true, patterns: ['card.*'], namespace: 'shop' })
  const none = subscribe({ fromBeginning: true, namespace: 'elsewhere' })
  await pay()
  await cards.until(() => cards.names().length === 1)
  expect(cards.names()).toEqual(['card.charged'])
  expect(none.names()).toEqual([])
  cards.call.cancel()
  none.call.cancel()
})

test('a live subscription meets fast and broadcast events, and none that only the log keeps', async () => {
  const heard = subscribe({ mode: SubscriptionMode.SUBSCRIPTION_MODE_LIVE })
  await heard.until(() => heard.messages.length === 1)
  await pay()
  await heard.until(() => heard.names().length === 2)
  expect(heard.names().toSorted()).toEqual(['card.seen', 'order.paid'])
  expect(heard.messages.map(({ cursor }) => cursor)).toEqual(heard.messages.map(() => ''))
  heard.call.cancel()
})

test('a live subscriber that does not read loses events, is told how many, and holds nobody up', async () => {
  const heard = subscribe({ mode: SubscriptionMode.SUBSCRIPTION_MODE_LIVE, patterns: ['card.seen'] })
  await heard.until(() => heard.messages.length === 1)
  heard.call.pause()
  const big = { text: 'x'.repeat(500_000) }
  for (let n = 0; n < 30; n++) await pay(big)
  heard.call.resume()
  await heard.until(() => heard.names().length > 5)
  await pay()
  await heard.until(() => heard.messages.some(({ dropped }) => dropped > 0))
  const dropped = heard.messages.reduce((sum, message) => sum + message.dropped, 0)
  await heard.until(() => heard.names().length + dropped >= 31)
  expect(heard.names().length).toBeLessThan(31)
  heard.call.cancel()
})

test('a subscriber by cursor that does not read gets everything once it does', async () => {
  const heard = subscribe({ fromBeginning: true, patterns: ['card.charged'] })
  await heard.until(() => heard.messages.length === 1)
  heard.call.pause()
  const big = { text: 'x'.repeat(300_000) }
  for (let n = 0; n < 30; n++) await pay(big)
  heard.call.resume()
  await heard.until(() => heard.names().length === 30)
  heard.call.cancel()
})

test.each([
  [{ cursor: 'no cursor' }, 'INVALID_CURSOR'],
  [{ cursor: Buffer.from('9999:1').toString('base64url') }, 'INVALID_CURSOR'],
  [{ patterns: ['card.ch*'] }, 'INVALID_INPUT'],
  [{ patterns: Array.from({ length: 101 }, () => 'a') }, 'INVALID_INPUT'],
  [{ patterns: ['a'.repeat(256)] }, 'INVALID_INPUT'],
])('a subscription that cannot be served is refused: %j', async (request, reason) => {
  const { call } = subscribe(request)
  const error = await new Promise<Parameters<typeof detailOf>[0]>((resolve) => call.on('error', resolve))
  expect(error?.code).toBe(status.INVALID_ARGUMENT)
  expect(detailOf(error)?.reason).toBe(reason)
})

test('a server that stops ends its subscriptions', async () => {
  const heard = subscribe()
  await heard.until(() => heard.messages.length === 1)
  const ended = new Promise<Parameters<typeof detailOf>[0]>((resolve) => heard.call.on('error', resolve))
  await server.stop(1_000)
  expect(detailOf(await ended)?.reason).toBe('SERVER_STOPPING')
})
