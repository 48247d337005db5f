/**
 * Domain events into queues of pgmq, in the transaction that moves the publisher's checkpoints: each is sent exactly once.
 *
 * An installed pgmq is used as it is; where there is none, its public functions are made on the first event.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { SteadyConnection } from '../../database/steady-connection.js'
import type { DatabaseTrouble } from '../../database/trouble.js'
import { Fault } from '../../faults.js'
import { publishAnswer, publishStatement, readCheckpoints } from '../checkpoints.js'
import { queueName } from '../queue-name.js'
import type { EventTransport, PublishBatch } from '../transport.js'
import { jsonbEnvelope } from './jsonb-text.js'

export const pgmqTransport = (url: string): EventTransport => {
  const connection = new SteadyConnection({ url, applicationName: 'tasker domain events' })
  let installed = false
  const send = async (batch: PublishBatch, encodeAll: boolean): Promise<'published' | 'moved' | DatabaseTrouble> => {
    const messages = batch.messages.map((message) => ({
      queue: queueName(message.namespace),
      text: jsonbEnvelope(message, encodeAll),
    }))
    const executed = await connection.execute(publishStatement(batch.moves, messages))
    return executed.type === 'trouble' ? executed.trouble : publishAnswer(executed.rows)
  }
  return {
    name: 'pgmq',
    checkpoints: () => readCheckpoints(connection),
    publish: async (batch) => {
      if (!installed && batch.messages.length > 0) {
        await install(connection)
        installed = true
      }
      const answer = await send(batch, false)
      const last = typeof answer === 'object' && answer.type === 'content_refused' ? await send(batch, true) : answer
      if (typeof last === 'string') return last
      // Whoever dropped the queues' schema meanwhile finds it made again.
      installed = false
      throw notSent(last.message)
    },
    close: () => connection.close(),
  }
}

const SQL_FILE = resolve(import.meta.dirname, '../../../sql/pgmq.sql')
/** Two servers that start at once make it one after the other. */
const INSTALL_LOCK = 7_203_114_025
const IS_INSTALLED = `select exists (
  select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'pgmq' and p.proname = 'send_batch') as installed`

const install = async (connection: SteadyConnection): Promise<void> => {
  const found = await connection.execute({ text: IS_INSTALLED })
  if (found.type === 'trouble') throw notSent(found.trouble.message)
  const [row] = found.rows
  if (typeof row === 'object' && row !== null && 'installed' in row && row.installed === true) return
  // One text is one transaction: all of it is there afterwards, or nothing.
  const made = await connection.execute({
    text: `select pg_advisory_xact_lock(${INSTALL_LOCK});\n${readFileSync(SQL_FILE, 'utf8')}`,
  })
  if (made.type === 'trouble') throw notSent(`the functions of pgmq cannot be made: ${made.trouble.message}`)
}

const notSent = (message: string): Fault =>
  new Fault({
    code: 'UNAVAILABLE',
    reason: 'EVENTS_NOT_PUBLISHED',
    message: `pgmq does not take domain events: ${message}`,
    hint: 'They wait in the event log. Is PostgreSQL running, and may this user use the schema pgmq?',
    retryable: true,
  })
