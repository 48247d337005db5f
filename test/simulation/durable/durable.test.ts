import { expect, test } from 'vitest'
import { failureOf, kindsOf, mediansOf, type RunSummary, summaryOf } from '../report.js'
import { runDurable } from './run-durable.js'

/** A tenth as many as there are of the others: each costs as much. */
const RUNS = Number(process.env['TASKER_SIM_DURABLE_RUNS'] ?? 100)
/** Worlds enough for everything to happen in some of them. */
const ENOUGH = 100
const LEAST = { tasks: 8, events: 400, faults: 20 } as const
const KINDS = [
  'server crash',
  'takeover while the old server lives',
  'append unknown, written before',
  'append unknown, written later',
  'append unknown, written never',
  'crash in log.append',
  'worker death',
  'worker freeze',
  'worker drain',
  'worker cut off while it works on',
  'message lost with its stream',
  'message late',
  'record late',
  'request twice',
  'clock step',
  'memory pressure',
] as const
const EVENTS = [
  'effect.recorded',
  'timer.started',
  'timer.fired',
  'timer.cancelled',
  'signal.received',
  'step.suspended',
  'function.continued',
  'task.cancelled',
  'schedule.created',
  'schedule.edited',
  'schedule.paused',
  'schedule.resumed',
  'schedule.fired',
  'schedule.buffered',
  'schedule.skipped',
  'schedule.missed',
  'schedule.backfilled',
  'schedule.task_started',
  'schedule.task_ended',
  'schedule.deleted',
] as const

test(`whatever goes wrong in ${RUNS} worlds, durable functions come to their end and schedules fire once`, {
  timeout: 1_800_000,
}, async () => {
  const summaries: RunSummary[] = []
  for (let seed = 1; seed <= RUNS; seed++) {
    const report = await runDurable(seed)
    const failure = failureOf(report)
    if (failure !== undefined) expect.fail(failure)
    summaries.push(summaryOf(report))
  }
  if (RUNS < ENOUGH) return
  const { tasks, events, faults } = mediansOf(summaries)
  process.stdout.write(`${RUNS} durable worlds: at the median ${tasks} tasks, ${events} events, ${faults} faults\n`)
  expect(tasks).toBeGreaterThanOrEqual(LEAST.tasks)
  expect(events).toBeGreaterThanOrEqual(LEAST.events)
  expect(faults).toBeGreaterThanOrEqual(LEAST.faults)
  expect(KINDS.filter((kind) => !kindsOf(summaries).has(kind))).toEqual([])
  const happened = new Set(summaries.flatMap(({ eventTypes }) => eventTypes))
  expect(EVENTS.filter((type) => !happened.has(type))).toEqual([])
})

/** Seeds that found something, kept in the worlds they found it in. */
const KEPT = [
  { seed: 3, found: 'a function that was let go of while it failed ended its worker' },
  { seed: 44, found: 'a function that fell asleep as a signal came heard nothing any more' },
  { seed: 23, found: 'a function that was begun again was not told any more that it is patched' },
  { seed: 53, found: 'a record that waited for its log was overtaken, and answered without being recorded' },
] as const

test.each(KEPT)('the durable world of seed $seed stays whole; once in it $found', { timeout: 120_000 }, async ({ seed }) => {
  expect(failureOf(await runDurable(seed))).toBeUndefined()
})

test('a durable world is the same twice, to the last word of its trace', { timeout: 120_000 }, async () => {
  const first = (await runDurable(7)).trace
  const second = (await runDurable(7)).trace
  expect(first.length).toBeGreaterThan(500)
  expect(second.all()).toEqual(first.all())
})
