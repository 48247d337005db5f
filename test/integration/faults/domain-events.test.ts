/** The server dies between a result and its publication; the next one publishes it, whatever the transport. */
import { queueName } from '@tasker/server/internal/publishers/queue-name'
import { newConnection } from '@tasker/server/internal/database'
import { Client, defineStep, Worker } from '@tasker/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Address, end, freeAddress, rest, startLiveServer } from '../../support/live-server.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import type { RunningProgram } from '../../support/processes.js'
import { consumed, exchangeFor } from '../../support/rabbit-consumer.js'
import { rabbitmqMissing, startRabbit, type TestRabbit } from '../../support/rabbitmq.js'
import { until, within } from '../../support/until.js'
import type { Envelope } from '../publishers/contract.js'

const TASKS = 25
const PUBLISHED_MS_MAX = 60_000

const TEMPLATE = {
  name: 'payment',
  namespace_name: 'faults',
  version: '1.0.0',
  steps: ['reserve', 'charge', 'ship'].map((name, index, names) => ({
    name,
    handler: { callable: 'Work' },
    dependencies: names.slice(0, index).slice(-1),
    publishes_events: [{ name: `${name}.done` }],
  })),
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

let database: TestDatabase
let rabbit: TestRabbit | undefined
beforeAll(async () => {
  if (rabbitmqMissing() === undefined) rabbit = await startRabbit()
}, 120_000)
afterAll(() => rabbit?.stop())
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

const recordedEvents = async (): Promise<number> => {
  const [row] = await query(database.url, `select count(*)::int as told from event where type = 'domain_event.recorded'`)
  return Number(row?.['told'])
}

interface Field {
  readonly settings: { readonly [variable: string]: string }
  /** Nothing is published until the answer is called. */
  hold(): Promise<() => Promise<void>>
  received(): Promise<readonly Envelope[]>
  readonly promise: 'once' | 'at least once'
}

const throughPgmq = (): Field => ({
  settings: { TASKER_EVENTS_TRANSPORT: 'pgmq' },
  hold: async () => {
    const connection = newConnection({ url: database.url, applicationName: 'tests hold' })
    await connection.connect()
    await connection.query('begin; lock table publisher_checkpoint in exclusive mode')
    return () => connection.end()
  },
  received: async () => {
    const rows = await query(database.url, `select to_regclass('pgmq.q_${queueName('faults')}') is not null as there`)
    if (rows[0]?.['there'] !== true) return []
    const messages = await query(database.url, `select message from pgmq.q_${queueName('faults')} order by msg_id`)
    return messages.map((row) => row['message'] as Envelope)
  },
  promise: 'once',
})

const throughRabbit = (): Field => {
  const running = rabbit
  if (running === undefined) throw new Error('RabbitMQ is not running')
  const { url } = running
  const got: Envelope[] = []
  return {
    settings: { TASKER_EVENTS_TRANSPORT: 'rabbitmq', RABBITMQ_URL: url, TASKER_RABBITMQ_EXCHANGE: exchangeFor('faults') },
    hold: async () => {
      await running.kill()
      return () => running.start()
    },
    received: async () => {
      got.push(...(await consumed(url, queueName('faults'))))
      return [...got]
    },
    promise: 'at least once',
  }
}

const WAYS: readonly (readonly [name: string, open: () => Field, missing: () => string | undefined])[] = [
  ['pgmq', throughPgmq, () => undefined],
  ['RabbitMQ', throughRabbit, rabbitmqMissing],
]

describe.each(WAYS)('through %s', (_name, open, missing) => {
  let field: Field
  let address: Address
  let server: RunningProgram
  let client: Client
  beforeEach(async (context) => {
    const why = missing()
    if (why !== undefined) context.skip(why)
    field = open()
    address = await freeAddress()
    server = await launched()
    const registered = await rest(address, '/v1/templates', TEMPLATE)
    if (registered.status !== 201) throw new Error(JSON.stringify(registered.body))
    client = new Client({ url: address.grpcUrl, logger: silent, namespace: 'faults' })
    const work = defineStep('Work', ({ stepId, taskId }) => ({ step: stepId, taskId }))
    const worker = new Worker({
      url: address.grpcUrl,
      namespace: 'faults',
      handlers: [work],
      slots: 20,
      logger: silent,
      signals: false,
    })
    const working = worker.run()
    onTestFinished(async () => {
      client.close()
      await worker.stop()
      await working
    })
  })

  const launched = async (): Promise<RunningProgram> => {
    const program = await startLiveServer(database.url, address, field.settings)
    onTestFinished(() => end(program, 'SIGKILL').then(() => undefined))
    return program
  }

  const submitAll = () => Promise.all(Array.from({ length: TASKS }, (_, n) => client.submit({ name: 'payment' }, { n })))

  /** Each event of each task, the first time it came, in the order it came. */
  const expectAll = async (taskIds: readonly string[]): Promise<void> => {
    const all = await until('every event arrived', PUBLISHED_MS_MAX, async () => {
      const envelopes = await field.received()
      return new Set(envelopes.map(({ event_id }) => event_id)).size >= 3 * TASKS ? envelopes : undefined
    })
    const ids = all.map(({ event_id }) => event_id)
    if (field.promise === 'once') expect(new Set(ids).size).toBe(ids.length)
    for (const taskId of taskIds) {
      const ofTask = all.filter(({ metadata }) => metadata['task_id'] === taskId)
      const first = [...new Map(ofTask.toReversed().map((envelope) => [envelope.event_id, envelope])).values()].toReversed()
      expect(first.map(({ event_name }) => event_name)).toEqual(['reserve.done', 'charge.done', 'ship.done'])
      expect(first.map(({ payload }) => payload)).toEqual(['reserve', 'charge', 'ship'].map((step) => ({ step, taskId })))
    }
  }

  test('a server that is killed after the results and before their publication loses no event', async () => {
    const release = await field.hold()
    const handles = await submitAll()
    await within('the results', PUBLISHED_MS_MAX, Promise.all(handles.map((handle) => handle.result())))
    const { text } = (await rest(address, '/metrics')).body
    expect(text).toContain('tasker_domain_events_published_total 0')
    await end(server, 'SIGKILL')
    await release()
    await launched()
    await expectAll(handles.map(({ taskId }) => taskId))
  }, 180_000)

  test('a server that is killed again and again while results come in loses no event, and keeps the order of each task', async () => {
    const submitting = submitAll()
    for (let kills = 0; kills < 3; kills++) {
      const told = 15 * (kills + 1)
      await until(`${told} events are recorded`, PUBLISHED_MS_MAX, async () =>
        (await recordedEvents()) >= told ? true : undefined,
      )
      await end(server, 'SIGKILL')
      server = await launched()
    }
    const handles = await submitting
    await within('the results', PUBLISHED_MS_MAX, Promise.all(handles.map((handle) => handle.result())))
    await expectAll(handles.map(({ taskId }) => taskId))
  }, 240_000)
})
