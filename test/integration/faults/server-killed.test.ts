/** The server dies or stops while tasks run, and another one on the same database goes on. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attemptsInFlight, eventCount, firstCompletionAfter } from '../../support/log-audit.js'
import { end } from '../../support/live-server.js'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { auditOf, expectRightResults, expectSoundLog, field, sendParcels, untilBusy } from './field.js'

const TASKS = 200

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

test('a server that is killed while 200 tasks run loses nothing: a new one on the same database brings each to its right result', async () => {
  const on = await field(database.url)
  const server = await on.server()
  await on.worker(120)
  await on.worker(120)
  const sent = await sendParcels(on, TASKS, { holdMs: 400 })
  await untilBusy(on, 150)
  const killedAt = Date.now()
  await end(server, 'SIGKILL')
  const asKilled = await auditOf(on)
  expect(asKilled.problems).toEqual([])
  expect(asKilled.tasks.size).toBe(TASKS)
  expect(attemptsInFlight(asKilled)).toBeGreaterThanOrEqual(100)
  expect(eventCount(asKilled, 'task.completed')).toBeLessThan(TASKS)

  await on.server()
  const startedAt = Date.now()
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(eventCount(audit, 'step.completed')).toBe(TASKS * 4)
  // Workers that came back within the grace kept their attempts: only those that stumbled by themselves failed.
  expect(eventCount(audit, 'step.failed')).toBe(TASKS / 5)
  const resumedAt = firstCompletionAfter(audit, killedAt + 1) ?? Number.NaN
  console.log(`server killed: ready again after ${startedAt - killedAt} ms, first completion after ${resumedAt - killedAt} ms`)
}, 180_000)

test('a server that is asked to stop while tasks run ends cleanly in time, and its successor goes on', async () => {
  const on = await field(database.url)
  const server = await on.server()
  await on.worker(100)
  const sent = await sendParcels(on, 60, { holdMs: 300 })
  await untilBusy(on, 40)
  const askedAt = Date.now()
  expect(await end(server, 'SIGTERM')).toBe(0)
  expect(Date.now() - askedAt).toBeLessThan(20_000)
  const asStopped = await auditOf(on)
  expect(asStopped.problems).toEqual([])
  expect(asStopped.tasks.size).toBe(60)

  await on.server()
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(eventCount(audit, 'step.failed')).toBe(12)
}, 120_000)
