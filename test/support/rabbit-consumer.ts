/** A consumer of RabbitMQ for tests, on a connection of its own. */
import { connect } from 'amqplib'
import type { Envelope } from '../integration/publishers/contract.js'

let exchanges = 0

/** An exchange that no other test has. */
export const exchangeFor = (what: string): string => `tasker.test.${what}.${process.pid}.${exchanges++}`

/** Everything in a queue, taken out of it; nothing when there is no such queue. */
export const consumed = async (url: string, queue: string): Promise<readonly Envelope[]> => {
  const connection = await connect(url)
  try {
    const channel = await connection.createChannel()
    channel.on('error', () => undefined)
    const envelopes: Envelope[] = []
    for (;;) {
      const got = await channel.get(queue, { noAck: true })
      if (got === false) return envelopes
      envelopes.push(JSON.parse(got.content.toString('utf8')) as Envelope)
    }
  } catch (error) {
    if (error instanceof Error && error.message.includes('404')) return []
    throw error
  } finally {
    await connection.close().catch(() => undefined)
  }
}
