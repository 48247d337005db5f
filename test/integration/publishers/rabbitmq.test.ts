/** Domain events to a real RabbitMQ, which is killed and comes back. */
import { rabbitmqTransport } from '@tasker/server/internal/publishers/rabbitmq/rabbitmq-transport'
import { queueName } from '@tasker/server/internal/publishers/queue-name'
import { connect } from 'amqplib'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { rabbitmqMissing, startRabbit, type TestRabbit } from '../../support/rabbitmq.js'
import { consumed, exchangeFor } from '../../support/rabbit-consumer.js'
import { describeTransport, message, P0 } from './contract.js'

let database: TestDatabase
let rabbit: TestRabbit | undefined
beforeAll(async () => {
  database = await freshDatabase()
  if (rabbitmqMissing() === undefined) rabbit = await startRabbit()
}, 120_000)
afterAll(async () => {
  await rabbit?.stop()
  await database.drop()
})
beforeEach((context) => {
  const missing = rabbitmqMissing()
  if (missing !== undefined) context.skip(missing)
})

const running = (): TestRabbit => {
  if (rabbit === undefined) throw new Error('RabbitMQ is not running')
  return rabbit
}

const opened = (exchange: string) => rabbitmqTransport({ url: running().url, exchange, databaseUrl: database.url })

describeTransport(
  'RabbitMQ',
  async () => {
    await query(database.url, 'truncate publisher_checkpoint')
    const { url } = running()
    const exchange = exchangeFor('contract')
    const [transport, other] = [opened(exchange), opened(exchange)]
    const namespaces = new Set<string>()
    return {
      transport,
      other,
      received: (namespace) => {
        namespaces.add(namespace)
        return consumed(url, queueName(namespace))
      },
      close: async () => {
        await Promise.all([transport.close(), other.close()])
        for (const namespace of ['shop', ...namespaces]) await consumed(url, queueName(namespace))
      },
    }
  },
  rabbitmqMissing,
)

const batch = (n: number) => ({ messages: [message(n)], moves: [{ partition: P0, from: n, to: n + 1 }] })

test('a message is persistent, named after its event, and found by its routing key', async () => {
  await query(database.url, 'truncate publisher_checkpoint')
  const exchange = exchangeFor('keys')
  const transport = opened(exchange)
  onTestFinished(() => transport.close())
  const connection = await connect(running().url)
  onTestFinished(() => connection.close())
  const channel = await connection.createChannel()
  await channel.assertExchange(exchange, 'topic', { durable: true })
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, exchange, 'shop.card.*')
  await transport.publish({
    messages: [message(1), message(2, { name: 'order.paid' })],
    moves: [{ partition: P0, from: 0, to: 1 }],
  })
  const got = await channel.get(queue, { noAck: true })
  expect(got === false ? got : { fields: got.fields, properties: got.properties }).toMatchObject({
    fields: { routingKey: 'shop.card.charged' },
    properties: {
      deliveryMode: 2,
      contentType: 'application/json',
      messageId: 'T1:1',
      type: 'card.charged',
      correlationId: 'c-1',
      headers: { namespace: 'shop', event_name: 'card.charged', task_id: 'T1' },
    },
  })
  expect(await channel.get(queue, { noAck: true })).toBe(false)
  await consumed(running().url, queueName('shop'))
})

test('while RabbitMQ is killed nothing is taken, and what was confirmed is there when it comes back', async () => {
  await query(database.url, 'truncate publisher_checkpoint')
  const transport = opened(exchangeFor('killed'))
  onTestFinished(() => transport.close())
  expect(await transport.publish(batch(0))).toBe('published')
  await running().kill()
  await expect(transport.publish(batch(1))).rejects.toMatchObject({ detail: { reason: 'EVENTS_NOT_PUBLISHED', retryable: true } })
  await expect(transport.publish(batch(1))).rejects.toMatchObject({ detail: { reason: 'EVENTS_NOT_PUBLISHED' } })
  expect(await transport.checkpoints()).toEqual(new Map([[P0, 1]]))
  await running().start()
  expect(await transport.publish(batch(1))).toBe('published')
  const ids = (await consumed(running().url, queueName('shop'))).map(({ event_id }) => event_id)
  expect([...new Set(ids)]).toEqual(['T0:1', 'T1:1'])
}, 180_000)

test('a queue that was deleted is made again, and its messages are not lost in between', async () => {
  await query(database.url, 'truncate publisher_checkpoint')
  const transport = opened(exchangeFor('deleted'))
  onTestFinished(() => transport.close())
  await transport.publish(batch(0))
  const connection = await connect(running().url)
  onTestFinished(() => connection.close())
  await (await connection.createChannel()).deleteQueue(queueName('shop'))
  await expect(transport.publish(batch(1))).rejects.toThrow(/no queue takes messages/)
  expect(await transport.publish(batch(1))).toBe('published')
  expect((await consumed(running().url, queueName('shop'))).map(({ event_id }) => event_id)).toEqual(['T1:1'])
})

test('an exchange of that name that is no topic is told, and moves no checkpoint', async () => {
  await query(database.url, 'truncate publisher_checkpoint')
  const exchange = exchangeFor('fanout')
  const connection = await connect(running().url)
  onTestFinished(() => connection.close())
  await (await connection.createChannel()).assertExchange(exchange, 'fanout')
  const transport = opened(exchange)
  onTestFinished(() => transport.close())
  await expect(transport.publish(batch(0))).rejects.toThrow(/PRECONDITION_FAILED|inequivalent/)
  expect(await transport.checkpoints()).toEqual(new Map())
})
