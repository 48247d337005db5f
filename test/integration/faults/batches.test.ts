/** Server and worker die in the middle of a batch: parts that were begun go on from what they had saved. */
import { Client } from '@tasker/sdk'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { monotonicFactory } from 'ulid'
import { ATTEMPTS_MAX, DEPENDENCIES, workNamed } from '../../soak/mixed-work.js'
import { auditLog, eventCount, type LogAudit } from '../../support/log-audit.js'
import { end } from '../../support/live-server.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until, within } from '../../support/until.js'
import { field, RESULTS_MS_MAX } from './field.js'

const TASKS = 12
/** Of a part, which saves four times. */
const HOLD_MS = 1_200
const IMPATIENT = { TASKER_WORKER_GRACE_MS: '1000', TASKER_WORKER_SILENCE_MS: '2500' }
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

const audited = (): Promise<LogAudit> => auditLog(database.url, { dependencies: DEPENDENCIES, attemptsMax: ATTEMPTS_MAX })

/** By task and part: the cursors that were saved, in order, and the attempt that saved each. */
const savedBy = ({ tasks }: LogAudit): readonly { readonly cursors: readonly number[]; readonly attempts: readonly number[] }[] =>
  [...tasks.values()].flatMap(({ events }) => {
    const parts = new Map<string, { cursors: number[]; attempts: number[] }>()
    for (const { event } of events) {
      if (event.type !== 'step.checkpointed') continue
      const part = parts.get(event.step) ?? { cursors: [], attempts: [] }
      part.cursors.push(Number(event.cursor))
      part.attempts.push(event.attempt)
      parts.set(event.step, part)
    }
    return [...parts.values()]
  })

const untilSaved = (count: number): Promise<true> =>
  until(`${count} cursors are saved`, RESULTS_MS_MAX, async () => {
    const rows = await query(database.url, `select 1 from event_commit where 'step.checkpointed' = any(types)`)
    return rows.length >= count ? true : undefined
  })

test('a batch whose server and worker are killed in its middle, each twice, loses no part, does none twice, and begins none anew that had saved', async () => {
  const on = await field(database.url)
  const sums = workNamed('sums')
  let server = await on.server(IMPATIENT)
  let worker = await on.worker(50)
  const client = new Client({ url: on.address.grpcUrl, logger: silent, submitTimeout: '2m' })
  onTestFinished(() => client.close())
  const makeId = monotonicFactory()
  const sent = await Promise.all(Array.from({ length: TASKS }, (_, n) => sums.submit(client, { n, holdMs: HOLD_MS }, makeId())))
  for (let round = 1; round <= 2; round++) {
    await untilSaved(round * TASKS * 4)
    await end(server, 'SIGKILL')
    server = await on.server(IMPATIENT)
    await untilSaved(round * TASKS * 6)
    await end(worker, 'SIGKILL')
    worker = await on.worker(50)
  }
  const results = await within('all sums', RESULTS_MS_MAX, Promise.all(sent.map((task) => task.result())))
  expect(results).toEqual(sent.map((_, n) => sums.resultOf(n)))

  const audit = await audited()
  expect(audit.problems).toEqual([])
  expect(eventCount(audit, 'task.completed')).toBe(TASKS)
  const saved = savedBy(audit)
  expect(saved).toHaveLength(TASKS * 5)
  // Four items each, saved one after another and once.
  for (const { cursors } of saved) expect(cursors).toEqual([0, 1, 2, 3].map((item) => (cursors[0] ?? Number.NaN) + item))
  // Those are the parts that this test is about: a second attempt went on where the first had been.
  expect(saved.filter(({ attempts }) => new Set(attempts).size > 1).length).toBeGreaterThan(0)
}, 180_000)
