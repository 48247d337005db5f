/** One connection to RabbitMQ with one channel that confirms: it is used until something goes wrong with it, and then never again. */
import { type ConfirmChannel, connect, type Options } from 'amqplib'
import { type DomainMessage, envelopeText } from '../message.js'
import { namespaceSlug, queueName } from '../queue-name.js'

export interface RabbitLink {
  isOpen(): boolean
  /** Resolves when RabbitMQ has confirmed each of them; rejects when it refused one, or has not answered in time. */
  send(messages: readonly DomainMessage[]): Promise<void>
  close(): void
}

const CONNECT_MS_MAX = 5_000
/** RabbitMQ that is short of memory or disk takes messages and confirms none. */
const CONFIRM_MS_MAX = 30_000
const HEARTBEAT_SECONDS = 15
/** AMQP's short strings: routing keys, types, ids. */
const SHORT_BYTES_MAX = 255

export const openLink = async (url: string, exchange: string): Promise<RabbitLink> => {
  const connection = await connect(withHeartbeat(url), {
    timeout: CONNECT_MS_MAX,
    clientProperties: { connection_name: 'tasker domain events' },
  })
  let trouble: Error | undefined
  const broken = (error: Error): void => void (trouble ??= error)
  connection.on('error', broken)
  connection.on('close', () => broken(new Error('the connection is closed')))
  const close = (): void => {
    broken(new Error('the connection is closed'))
    connection.close().catch(() => undefined)
  }
  try {
    const channel = await connection.createConfirmChannel()
    channel.on('error', broken)
    channel.on('close', () => broken(new Error('the channel is closed')))
    await channel.assertExchange(exchange, 'topic', { durable: true })
    const send = sender(channel, exchange, () => trouble)
    return { isOpen: () => trouble === undefined, send, close }
  } catch (error) {
    close()
    throw trouble ?? error
  }
}

const sender = (channel: ConfirmChannel, exchange: string, trouble: () => Error | undefined): RabbitLink['send'] => {
  const queues = new Set<string>()
  let returned: string | undefined
  channel.on('return', ({ fields }) => (returned = `no queue takes messages with the key ${fields.routingKey}`))
  return async (messages) => {
    for (const namespace of new Set(messages.map((message) => message.namespace))) {
      if (queues.has(namespace)) continue
      const queue = queueName(namespace)
      await channel.assertQueue(queue, { durable: true })
      await channel.bindQueue(queue, exchange, `${namespaceSlug(namespace)}.#`)
      queues.add(namespace)
    }
    for (const message of messages) {
      const isTaken = channel.publish(
        exchange,
        routingKey(message),
        Buffer.from(envelopeText(message), 'utf8'),
        optionsOf(message),
      )
      if (!isTaken) await inTime(drained(channel), 'RabbitMQ does not read')
    }
    await inTime(channel.waitForConfirms(), 'RabbitMQ has not confirmed the messages')
    const failure = trouble() ?? (returned === undefined ? undefined : new Error(returned))
    if (failure !== undefined) throw failure
  }
}

const optionsOf = (message: DomainMessage): Options.Publish => ({
  persistent: true,
  mandatory: true,
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  messageId: message.eventId,
  correlationId: short(message.correlationId),
  type: short(message.name),
  appId: 'tasker',
  timestamp: Math.floor(message.at / 1_000),
  headers: { namespace: message.namespace, event_name: message.name, task_id: message.taskId },
})

const routingKey = ({ namespace, name }: DomainMessage): string => short(`${namespaceSlug(namespace)}.${name}`)

/** Cut at a character, not within one. */
const short = (text: string): string => {
  if (Buffer.byteLength(text) <= SHORT_BYTES_MAX) return text
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > SHORT_BYTES_MAX) break
    end += character.length
  }
  return text.slice(0, end)
}

const withHeartbeat = (text: string): string => {
  const url = new URL(text)
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS))
  return url.href
}

const drained = (channel: ConfirmChannel): Promise<void> =>
  new Promise((resolve, reject) => {
    channel.once('drain', resolve)
    channel.once('close', () => reject(new Error('the channel is closed')))
  })

const inTime = async <Value>(waited: Promise<Value>, otherwise: string): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), CONFIRM_MS_MAX)
  })
  try {
    return await Promise.race([waited, late])
  } finally {
    clearTimeout(timer)
  }
}
