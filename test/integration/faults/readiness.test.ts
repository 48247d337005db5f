/** Readiness of a server that nobody asks for anything: what it says must be true of the next commit. */
import { LIMITS } from '@tasker/core'
import { expect, test } from 'vitest'
import { type Address, end, rest } from '../../support/live-server.js'
import { query } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { durablePostgres } from './durable-postgres.js'
import { field, RESULTS_MS_MAX, sendParcels } from './field.js'

/** What the server promises, and something for the machine. */
const KNOWN_MS_MAX = LIMITS.commitProbeMs + LIMITS.commitProbeSilentMs + 3_000

const untilReady = (address: Address, status: 200 | 503): Promise<true> =>
  until(`/health/ready says ${status}`, status === 503 ? KNOWN_MS_MAX : RESULTS_MS_MAX, async () =>
    (await rest(address, '/health/ready')).status === status ? true : undefined,
  )

interface Part {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

const databasePart = async (address: Address): Promise<Part | undefined> => {
  const { parts } = (await rest(address, '/health/detailed')).body
  return (parts as readonly Part[]).find(({ name }) => name === 'database')
}

test('an idle server is not ready once its database takes no commits, whatever keeps it from that, and is ready again by itself', async () => {
  const { postgres, again } = await durablePostgres()
  const on = await field(postgres.url)
  const server = await on.server()
  await untilReady(on.address, 200)
  expect(await databasePart(on.address)).toMatchObject({ ok: true })

  // A standby, or an operator, makes it read-only: it can be reached, and answers every read.
  await query(postgres.url, 'alter system set default_transaction_read_only = on')
  await query(postgres.url, 'select pg_reload_conf()')
  await untilReady(on.address, 503)
  expect(await databasePart(on.address)).toMatchObject({ ok: false, detail: expect.stringContaining('read-only') as unknown })
  const refused = await rest(on.address, '/v1/tasks', { namespace: 'faults', name: 'parcel', context: {} })
  expect(refused).toMatchObject({ status: 503, body: { reason: 'DATABASE_UNAVAILABLE' } })
  await query(postgres.url, 'alter system reset default_transaction_read_only')
  await query(postgres.url, 'select pg_reload_conf()')
  await untilReady(on.address, 200)

  // It takes the connection and the statement, and never answers.
  const [probe] = await query(postgres.url, `select pid from pg_stat_activity where application_name = 'tasker probe'`)
  const pid = Number(probe?.['pid'])
  process.kill(pid, 'SIGSTOP')
  await untilReady(on.address, 503)
  expect(await databasePart(on.address)).toMatchObject({ ok: false, detail: expect.stringContaining('not committed') as unknown })
  process.kill(pid, 'SIGCONT')
  await untilReady(on.address, 200)

  await postgres.kill9()
  await untilReady(on.address, 503)
  await again()
  await untilReady(on.address, 200)
  await on.worker(10)
  const sent = await sendParcels(on, 5, { holdMs: 1 })
  await Promise.all(sent.map(({ handle }) => handle.result()))
  expect(await end(server)).toBe(0)
}, 120_000)

test('an idle server that another has taken the log from is told by its probe, and ends', async () => {
  const { postgres } = await durablePostgres()
  const on = await field(postgres.url)
  const server = await on.server()
  await untilReady(on.address, 200)
  await query(
    postgres.url,
    `insert into event_commit
      select partition, seq + 1, stream_kind, stream_id, first_version + 1, namespace, at_ms, actor, worker, cause, types,
        replace(events, '"epoch":1', '"epoch":2'), sha256(hash)
      from event_commit where partition = 0 order by seq desc limit 1`,
  )
  expect(await server.exited).toBe(1)
  expect(server.output()).toContain('another server owns the log')
}, 60_000)
