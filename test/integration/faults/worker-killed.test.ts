/** Workers die, freeze or leave in the middle of a step. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventCount, firstCompletionAfter, type LogAudit } from '../../support/log-audit.js'
import { end, rest } from '../../support/live-server.js'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { auditOf, expectRightResults, expectSoundLog, field, gate, RESULTS_MS_MAX, sendParcels, untilBusy } from './field.js'

const IMPATIENT = { TASKER_WORKER_GRACE_MS: '1000', TASKER_WORKER_SILENCE_MS: '2500' }

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

/** The codes of failures of `weigh`, and who completed it, task by task. */
const weighings = (audit: LogAudit): readonly { readonly failures: readonly string[]; readonly by: readonly unknown[] }[] =>
  [...audit.tasks.values()].map(({ events }) => ({
    failures: events.flatMap(({ event }) =>
      event.type === 'step.failed' && event.step === 'weigh' ? [event.failure.code ?? 'none'] : [],
    ),
    by: events.flatMap(({ event }) =>
      event.type === 'step.completed' && event.step === 'weigh' ? [(JSON.parse(event.output) as { by: number }).by] : [],
    ),
  }))

test('a worker that is killed in its steps loses them after the grace, and another one finishes them', async () => {
  const on = await field(database.url)
  await on.server(IMPATIENT)
  const first = await on.worker(50)
  const sent = await sendParcels(on, 20, { holdMs: 5, gate: gate().path })
  await untilBusy(on, 20)
  const killedAt = Date.now()
  await end(first, 'SIGKILL')
  const second = await on.worker(50)
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(weighings(audit)).toEqual(sent.map(() => ({ failures: ['WORKER_LOST'], by: [second.pid] })))
  const history = await rest(on.address, `/v1/tasks/${sent[0]?.handle.taskId ?? ''}/events`)
  expect(JSON.stringify(history.body)).toContain('WORKER_LOST')
  const resumedMs = (firstCompletionAfter(audit, killedAt) ?? Number.NaN) - killedAt
  expect(resumedMs).toBeGreaterThan(900)
  console.log(`worker killed: first completion after ${resumedMs} ms, with a grace of 1000 ms`)
}, 120_000)

test('a worker that was frozen for longer than a stream may be silent comes back too late: one result stands, and it works on', async () => {
  const on = await field(database.url)
  await on.server(IMPATIENT)
  const frozen = await on.worker(50)
  const way = gate()
  const sent = await sendParcels(on, 10, { holdMs: 5, gate: way.path })
  await untilBusy(on, 10)
  frozen.kill('SIGSTOP')
  const other = await on.worker(50)
  await expectRightResults(sent)
  // Its handlers now end at once, with results of their own for attempts that were taken from it.
  way.open()
  frozen.kill('SIGCONT')
  await until('the frozen worker is back', RESULTS_MS_MAX, async () =>
    frozen.output().split('connected ').length > 2 ? true : undefined,
  )
  const audit = await expectSoundLog(on, sent)
  expect(weighings(audit)).toEqual(sent.map(() => ({ failures: ['WORKER_LOST'], by: [other.pid] })))

  expect(await end(other)).toBe(0)
  const more = await sendParcels(on, 10, { holdMs: 5 })
  await expectRightResults(more)
  const after = await expectSoundLog(on, [...sent, ...more])
  expect(eventCount(after, 'step.completed')).toBe(80)
}, 120_000)

test('a worker that is asked to stop finishes its steps, takes no more, and ends cleanly', async () => {
  const on = await field(database.url)
  await on.server()
  const leaving = await on.worker(50)
  const way = gate()
  const sent = await sendParcels(on, 20, { holdMs: 5, gate: way.path })
  await untilBusy(on, 20)
  leaving.kill('SIGTERM')
  await until('the worker drains', RESULTS_MS_MAX, async () =>
    JSON.stringify((await rest(on.address, '/v1/workers')).body).includes('"draining"') ? true : undefined,
  )
  const staying = await on.worker(50)
  way.open()
  expect(await leaving.exited).toBe(0)
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(weighings(audit)).toEqual(sent.map(() => ({ failures: [], by: [leaving.pid] })))
  expect(staying.pid).not.toBe(leaving.pid)
  expect(eventCount(await auditOf(on), 'step.released')).toBe(0)
}, 120_000)
