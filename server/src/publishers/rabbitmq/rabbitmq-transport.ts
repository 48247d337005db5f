/**
 * Domain events to RabbitMQ: a topic exchange, and a durable queue for each namespace, so that nothing is lost before somebody consumes it.
 *
 * The checkpoint moves after RabbitMQ has confirmed every message up to it. A message may come twice, with the same `message_id`.
 */
import { SteadyConnection } from '../../database/steady-connection.js'
import { Fault } from '../../faults.js'
import { moveCheckpoints, readCheckpoints } from '../checkpoints.js'
import type { EventTransport, PublishBatch } from '../transport.js'
import { openLink, type RabbitLink } from './rabbit-link.js'

export interface RabbitOptions {
  readonly url: string
  readonly exchange: string
  /** Where the checkpoints are. */
  readonly databaseUrl: string
}

export const rabbitmqTransport = ({ url, exchange, databaseUrl }: RabbitOptions): EventTransport => {
  const connection = new SteadyConnection({ url: databaseUrl, applicationName: 'tasker domain events' })
  let link: RabbitLink | undefined
  const send = async ({ messages }: PublishBatch): Promise<void> => {
    if (messages.length === 0) return
    try {
      if (link?.isOpen() !== true) link = await openLink(url, exchange)
      await link.send(messages)
    } catch (error) {
      // Whatever went wrong, the next batch begins on a connection of its own.
      link?.close()
      link = undefined
      throw notSent(error)
    }
  }
  return {
    name: 'rabbitmq',
    checkpoints: () => readCheckpoints(connection),
    publish: async (batch) => {
      const known = await readCheckpoints(connection)
      if (batch.moves.some(({ partition, from }) => (known.get(partition) ?? 0) !== from)) return 'moved'
      await send(batch)
      return moveCheckpoints(connection, batch.moves)
    },
    close: async () => {
      link?.close()
      await connection.close()
    },
  }
}

const notSent = (cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'EVENTS_NOT_PUBLISHED',
      message: `RabbitMQ does not take domain events: ${messageOf(cause)}`,
      hint: 'They wait in the event log. Is RabbitMQ running, and is RABBITMQ_URL right?',
      retryable: true,
    },
    cause,
  )

/** A refused connection to several addresses of one name has its messages inside. */
const messageOf = (cause: unknown): string => {
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join('; ')
  return cause instanceof Error && cause.message !== '' ? cause.message : String(cause)
}
