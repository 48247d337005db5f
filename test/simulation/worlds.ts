/** Many seeded worlds in a test: every invariant holds in each, and together they are no toys. */
import { PHASE_TRANSITIONS } from '@tasker/core'
import { expect } from 'vitest'
import { failureOf, kindsOf, mediansOf, type RunSummary, summaryOf } from './report.js'
import { runSeed } from './run.js'

/** Worlds enough for everything to happen in some of them. */
const ENOUGH = 100
/** What a world at the median has at least. */
const LEAST = { tasks: 30, events: 500, faults: 15 } as const

/** Faults that each happen in some world; the crashes in calls of ports are named by their calls. */
const KINDS = [
  'append unavailable',
  'append unknown, written before',
  'append unknown, written later',
  'append unknown, written never',
  'append refused',
  'slow disk',
  'read fails',
  'projection write fails',
  'projection writer crash',
  'server crash',
  'crash in log.append',
  'crash in log.readStream',
  'crash in store.write',
  'crash in transport.publish',
  'crash in clock.after',
  'takeover while the old server lives',
  'worker death',
  'worker freeze',
  'worker drain',
  'step hangs',
  'silent handler',
  'answers late',
  'answers twice',
  'message lost',
  'message lost with its stream',
  'message late',
  'stream cut',
  'request lost',
  'answer lost',
  'request twice',
  'clock step',
  'memory pressure',
  'transport away',
  'answer of the transport lost',
] as const

/** What does not happen in these worlds. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  // Done to whole files, under real kills (`test/integration/archive`).
  'task.archived',
  // Durable functions have worlds of their own (`durable`).
  'effect.recorded',
  'function.continued',
  'signal.received',
  'step.suspended',
  'timer.cancelled',
  'timer.fired',
  'timer.started',
  // At each append a server dies, or code changes, in tests of their own (`test/unit/server/engine`, `test/integration/functions`).
  'child.ended',
  'child.started',
  'function.diverged',
  'update.answered',
  'update.received',
])

export const holdIn = async (first: number, runs: number): Promise<void> => {
  const summaries: RunSummary[] = []
  for (let seed = first; seed < first + runs; seed++) {
    const report = await runSeed(seed)
    const failure = failureOf(report)
    if (failure !== undefined) expect.fail(failure)
    summaries.push(summaryOf(report))
  }
  if (runs < ENOUGH) return
  const { tasks, events, faults } = mediansOf(summaries)
  process.stdout.write(`${runs} worlds from seed ${first}: at the median ${tasks} tasks, ${events} events, ${faults} faults\n`)
  expect(tasks).toBeGreaterThanOrEqual(LEAST.tasks)
  expect(events).toBeGreaterThanOrEqual(LEAST.events)
  expect(faults).toBeGreaterThanOrEqual(LEAST.faults)
  expect([...KINDS].filter((kind) => !kindsOf(summaries).has(kind))).toEqual([])
  const happened = new Set(summaries.flatMap(({ eventTypes }) => eventTypes))
  expect(Object.keys(PHASE_TRANSITIONS).filter((type) => !happened.has(type) && !ELSEWHERE.has(type))).toEqual([])
  // The invariants of compensation say nothing where nothing is taken back; a single world may have none.
  const undone = summaries.map(({ compensations }) => compensations.complete).reduce((sum, count) => sum + count, 0)
  expect(undone).toBeGreaterThan(runs)
}
