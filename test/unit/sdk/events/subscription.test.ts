import type { DomainEvent as WireEvent, SubscribeRequest, SubscribeResponse } from '@tasker/proto'
import { type DomainEvent, Subscriber, type SubscriberOptions, TaskerError, Worker } from '@tasker/sdk'
import { LiveSubscriptions } from '@tasker/sdk/internal/events/live-subscriptions'
import { expect, test } from 'vitest'
import { payload, scriptedServer, type ScriptedServer, unreachable, WELCOME } from '../scripted-server.js'
import { turn, virtualClock } from '../virtual-clock.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const event = (n: number): WireEvent => ({
  eventId: `T1:${n}`,
  name: 'card.charged',
  namespace: 'shop',
  taskId: 'T1',
  stepId: 'charge',
  attempt: 1,
  outcome: 'success',
  deliveryMode: 'durable',
  correlationId: 'c-1',
  template: 'order@1.0.0',
  atMs: 1_000,
  payload: payload({ n }),
  metadata: undefined,
})

const message = (cursor: string, ...numbers: readonly number[]): SubscribeResponse => ({
  events: numbers.map(event),
  cursor,
  dropped: 0,
})

/** Each subscription gives one script and stays open, unless it says how it ends. */
type Script = { readonly messages: readonly SubscribeResponse[]; readonly error?: TaskerError }

const served = (...scripts: Script[]): { readonly server: ScriptedServer; readonly asked: SubscribeRequest[] } => {
  const asked: SubscribeRequest[] = []
  const server: ScriptedServer = {
    ...scriptedServer(),
    subscribe: async function* (request, signal) {
      asked.push(request)
      const script = scripts.shift()
      yield* script?.messages ?? []
      if (script?.error !== undefined) throw script.error
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    },
  }
  return { server, asked }
}

const subscriber = (server: ScriptedServer, more: Partial<SubscriberOptions> = {}) => {
  const clock = virtualClock()
  const heard: DomainEvent[] = []
  const made = new Subscriber({
    url: 'nowhere',
    transport: server,
    clock,
    logger: silent,
    handler: (one) => void heard.push(one),
    ...more,
  })
  return { clock, heard, made, running: made.run() }
}

const store = (kept?: string) => {
  const saved: string[] = []
  return { saved, load: () => kept, save: (cursor: string) => void saved.push(cursor) }
}

test('events come one after another as they are, and the cursor is kept once they are handled', async () => {
  const { server, asked } = served({ messages: [message('c0'), message('c1', 1, 2), message('', 3), message('c2', 4)] })
  const cursor = store()
  const { heard, made, running } = subscriber(server, { cursor, patterns: ['card.*'], namespace: 'shop' })
  await turn()
  expect(heard.map(({ eventId }) => eventId)).toEqual(['T1:1', 'T1:2', 'T1:3', 'T1:4'])
  expect(heard[0]).toMatchObject({ name: 'card.charged', payload: { n: 1 }, metadata: undefined, at: new Date(1_000) })
  expect(cursor.saved).toEqual(['c0', 'c1', 'c2'])
  expect(asked).toEqual([{ namespace: 'shop', patterns: ['card.*'], mode: 1, cursor: '', fromBeginning: false }])
  await made.stop()
  await running
})

test('a subscriber begins where it was, and comes back there when the server was lost', async () => {
  const { server, asked } = served({ messages: [message('c8', 1)], error: unreachable() }, { messages: [message('c9', 2)] })
  const { clock, heard, made } = subscriber(server, { cursor: store('c7'), from: 'beginning' })
  await turn()
  clock.advance(10_000)
  await turn()
  expect(asked.map(({ cursor, fromBeginning }) => [cursor, fromBeginning])).toEqual([
    ['c7', false],
    ['c8', false],
  ])
  expect(heard.map(({ eventId }) => eventId)).toEqual(['T1:1', 'T1:2'])
  await made.stop()
})

test('without a kept cursor a subscriber begins where it says', async () => {
  const { server, asked } = served({ messages: [] })
  const { made } = subscriber(server, { from: 'beginning' })
  await turn()
  expect(asked).toMatchObject([{ cursor: '', fromBeginning: true }])
  await made.stop()
})

test('a handler that fails is asked again with the same event, and those behind it wait', async () => {
  const { server } = served({ messages: [message('c1', 1, 2)] })
  let failures = 2
  const seen: string[] = []
  const cursor = store()
  const { clock, made } = subscriber(server, {
    cursor,
    handler: ({ eventId }) => {
      seen.push(eventId)
      if (failures-- > 0) throw new Error('not now')
    },
  })
  await turn()
  expect([seen, cursor.saved]).toEqual([['T1:1'], []])
  clock.advance(10_000)
  await turn()
  clock.advance(10_000)
  await turn()
  expect([seen, cursor.saved]).toEqual([['T1:1', 'T1:1', 'T1:1', 'T1:2'], ['c1']])
  await made.stop()
})

test('a server that refuses the subscription ends it with its reason', async () => {
  const refused = new TaskerError({ code: 'INVALID_INPUT', reason: 'INVALID_CURSOR', message: 'no such cursor' })
  const { server } = served({ messages: [], error: refused })
  const { running } = subscriber(server)
  await expect(running).rejects.toMatchObject({ reason: 'INVALID_CURSOR' })
})

test('a worker follows live events while it runs; a handler that fails misses that event alone', async () => {
  const { server, asked } = served({ messages: [message('', 1, 2), { ...message('', 3), dropped: 4 }] })
  const clock = virtualClock()
  const worker = new Worker({
    url: 'nowhere',
    namespace: 'shop',
    transport: server,
    clock,
    logger: silent,
    signals: false,
    handlers: [],
  })
  const seen: string[] = []
  const stop = worker.subscribe('card.*', ({ eventId }) => {
    seen.push(eventId)
    if (eventId === 'T1:1') throw new Error('no')
  })
  const running = worker.run()
  await turn()
  server.worker().send({ welcome: WELCOME })
  await turn()
  expect(asked).toEqual([{ namespace: 'shop', patterns: ['card.*'], mode: 2, cursor: '', fromBeginning: false }])
  expect(seen).toEqual(['T1:1', 'T1:2', 'T1:3'])
  stop()
  worker.subscribe('order.*', () => undefined)
  await turn()
  expect(asked.map(({ patterns }) => patterns)).toEqual([['card.*'], ['order.*']])
  const stopping = worker.stop()
  for (let n = 0; n < 20; n++) {
    clock.advance(1_000)
    await turn()
  }
  server.worker().close()
  await stopping
  await running
})

test('what is listened to before the start waits for it, and a pattern that is refused is told of and ends alone', async () => {
  const refused = new TaskerError({ code: 'INVALID_INPUT', reason: 'INVALID_INPUT', message: 'no pattern' })
  const { server, asked } = served({ messages: [], error: refused }, { messages: [message('', 1)] })
  const errors: unknown[] = []
  const logger = { ...silent, error: (_told: string, fields?: object) => void errors.push(fields) }
  const live = new LiveSubscriptions(server, virtualClock(), logger, 'shop')
  const heard: string[] = []
  live.add('card.ch*', () => undefined)
  live.add('card.*', ({ eventId }) => void heard.push(eventId))
  await turn()
  expect(asked).toEqual([])
  live.start()
  await turn()
  expect(errors).toEqual([{ pattern: 'card.ch*', error: 'no pattern' }])
  expect(heard).toEqual(['T1:1'])
  await live.stop()
})
