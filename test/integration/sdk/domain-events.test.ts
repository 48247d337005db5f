// Domain events from a definition to subscribers and the queue, over the real server, REST and gRPC.
import {
  Client,
  defineTask,
  type DomainEvent,
  EventPublisher,
  type EventToPublish,
  PermanentError,
  Subscriber,
  Worker,
} from '@tasker/sdk'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { serverConfig } from './server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const WAIT_MS_MAX = 20_000

let database: TestDatabase
let server: RunningServer
beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

class Receipts extends EventPublisher {
  readonly name = 'Receipts'

  override transformPayload({ payload }: EventToPublish) {
    return { receipt: payload }
  }

  override additionalMetadata() {
    return { printed: true }
  }
}

const payment = defineTask('payment', { namespace: 'events', version: '1.0.0' })
  .step(
    'charge',
    {
      publishes: [
        { name: 'card.charged', schema: { type: 'object', required: ['id'] } },
        { name: 'card.receipt', publisher: 'Receipts' },
        { name: 'card.noted', delivery: 'broadcast' },
        { name: 'card.seen', delivery: 'fast' },
        { name: 'card.orphan', publisher: 'Nobody' },
      ],
    },
    ({ publish }) => {
      publish('card.noted', { note: 'by hand' }, { loud: true })
      return { id: 'ch_1' }
    },
  )
  .step(
    'refuse',
    {
      after: ['charge'],
      publishes: [
        { name: 'card.refused', condition: 'permanent_failure' },
        { name: 'card.always', condition: 'always' },
      ],
    },
    () => {
      throw new PermanentError('no', { code: 'DECLINED' })
    },
  )

const NAMES = ['card.charged', 'card.receipt', 'card.noted', 'card.refused', 'card.always']

test('events of a typed task are in its history, in the queue, with a subscriber by cursor and with a live one', async () => {
  const live: DomainEvent[] = []
  const followed: DomainEvent[] = []
  const cursor: { kept: string | undefined } = { kept: undefined }
  const follow = (from: 'now' | 'beginning', into: DomainEvent[]) => {
    const made = new Subscriber({
      url: server.grpcUrl,
      namespace: 'events',
      patterns: ['card.*'],
      from,
      logger: silent,
      cursor: { load: () => cursor.kept, save: (place) => void (cursor.kept = place) },
      handler: (event) => void into.push(event),
    })
    const running = made.run()
    onTestFinished(async () => {
      await made.stop()
      await running
    })
    return made
  }
  const subscriber = follow('beginning', followed)
  const connected = new Promise<void>((resolve) => {
    const worker = new Worker({
      url: server.grpcUrl,
      namespace: 'events',
      tasks: [payment],
      publishers: [new Receipts()],
      logger: silent,
      signals: false,
      onConnect: () => resolve(),
    })
    worker.subscribe('**', (event) => void live.push(event))
    const running = worker.run()
    onTestFinished(async () => {
      await worker.stop()
      await running
    })
  })
  await connected
  const client = new Client({ url: server.grpcUrl, logger: silent })
  onTestFinished(() => client.close())
  // A live subscription hears from its beginning on, which nobody is told of: tasks run until it hears one.
  const handle = await client.submit(payment, {})
  await until('a live event', WAIT_MS_MAX, async () => {
    if (live.length > 0) return live
    await client.submit(payment, {})
    return undefined
  })
  expect(live.map(({ name }) => name)).toEqual(expect.arrayContaining(['card.noted', 'card.seen']))
  expect(live.every(({ deliveryMode }) => deliveryMode !== 'durable')).toBe(true)

  const ofTask = (events: readonly DomainEvent[]) => events.filter(({ taskId }) => taskId === handle.taskId)
  await until('the events by cursor', WAIT_MS_MAX, async () => (ofTask(followed).length >= NAMES.length ? true : undefined))
  expect(ofTask(followed).map(({ name }) => name)).toEqual(NAMES)
  expect(ofTask(followed).map(({ payload, metadata }) => [payload, metadata])).toEqual([
    [{ id: 'ch_1' }, undefined],
    [{ receipt: { id: 'ch_1' } }, { printed: true }],
    [{ note: 'by hand' }, { loud: true }],
    [expect.objectContaining({ message: 'no', code: 'DECLINED' }), undefined],
    [expect.objectContaining({ message: 'no', code: 'DECLINED' }), undefined],
  ])

  const response = await fetch(`${server.restUrl}/v1/tasks/${handle.taskId}/events`)
  const { events } = (await response.json()) as {
    events: { type: string; data: { name?: string; problems?: { code: string }[] } }[]
  }
  const recorded = events
    .filter(({ type }) => type === 'domain_event.recorded')
    .map(({ data }) => [data.name, data.problems?.[0]?.code])
  expect(recorded).toEqual([
    ['card.charged', undefined],
    ['card.receipt', undefined],
    ['card.noted', undefined],
    ['card.orphan', 'PUBLISHER_FAILED'],
    ['card.refused', undefined],
    ['card.always', undefined],
  ])

  const queued = await until('the queue', WAIT_MS_MAX, async () => {
    const sql = `select message from pgmq.q_events_domain_events where message->'metadata'->>'task_id' = $1 order by msg_id`
    const rows = await query(database.url, sql, [handle.taskId])
    return rows.length >= NAMES.length ? rows.map((row) => row['message'] as { event_name: string; metadata: object }) : undefined
  })
  expect(queued.map(({ event_name }) => event_name)).toEqual(NAMES)
  expect(queued[1]?.metadata).toMatchObject({ printed: true, step_id: 'charge', namespace: 'events' })

  await subscriber.stop()
  const next = await client.submit(payment, {})
  const later: DomainEvent[] = []
  follow('now', later)
  await until('what came while nobody followed', WAIT_MS_MAX, async () =>
    later.filter(({ taskId }) => taskId === next.taskId).length >= NAMES.length ? true : undefined,
  )
  expect(ofTask(later)).toEqual([])
})
