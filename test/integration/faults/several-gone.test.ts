/** More than one part is gone at once, or they come in another order than they are needed. */
import { expect, test } from 'vitest'
import { attemptsInFlight, eventCount } from '../../support/log-audit.js'
import { end, rest } from '../../support/live-server.js'
import { freshDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { durablePostgres } from './durable-postgres.js'
import { auditOf, expectRightResults, expectSoundLog, field, gate, RESULTS_MS_MAX, sendParcels, untilBusy } from './field.js'

test('server, database and worker are killed at once, as when the power fails: what was acknowledged is there and reaches its end', async () => {
  const { postgres, again } = await durablePostgres()
  const on = await field(postgres.url)
  const server = await on.server({ TASKER_WORKER_GRACE_MS: '1000' })
  const worker = await on.worker(100)
  const sent = await sendParcels(on, 100, { holdMs: 300 })
  await untilBusy(on, 60)
  await Promise.all([postgres.kill9(), end(server, 'SIGKILL'), end(worker, 'SIGKILL')])
  await again()
  const asKilled = await auditOf(on)
  expect(asKilled.problems).toEqual([])
  expect(asKilled.tasks.size).toBe(100)
  expect(attemptsInFlight(asKilled)).toBeGreaterThan(0)

  await on.server({ TASKER_WORKER_GRACE_MS: '1000' })
  await on.worker(100)
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(eventCount(audit, 'step.completed')).toBe(400)
}, 120_000)

test('a server that is asked to stop while its database is gone ends in time, and what it could not write down is done by its successor', async () => {
  const { postgres, again } = await durablePostgres()
  const on = await field(postgres.url)
  const server = await on.server()
  await on.worker(50)
  const way = gate()
  const sent = await sendParcels(on, 50, { holdMs: 5, gate: way.path })
  await untilBusy(on, 50)
  await postgres.kill9()
  way.open()
  await until('results wait for the database', RESULTS_MS_MAX, async () =>
    Number((await rest(on.address, '/health/detailed')).body['pending_commits']) > 0 ? true : undefined,
  )
  const askedAt = performance.now()
  expect(await end(server)).toBe(0)
  expect(performance.now() - askedAt).toBeLessThan(30_000)

  await again()
  await on.server()
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(eventCount(audit, 'step.failed')).toBe(10)
}, 120_000)

test('a worker and a client that come before their server wait for it', async () => {
  const database = await freshDatabase()
  try {
    const on = await field(database.url)
    const worker = on.worker(20)
    const submitted = sendParcels(on, 10, { holdMs: 5 })
    await on.server()
    await worker
    const sent = await submitted
    await expectRightResults(sent)
    await expectSoundLog(on, sent)
  } finally {
    await database.drop()
  }
}, 120_000)
