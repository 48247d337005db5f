/**
 * `npm run sim -- [--seed N] [--runs N] [--trace] [--durable]`: runs seeded worlds, a thread a core, says what happened in each and the medians of all; exits with 1
 * at the first broken promise. `--trace` shows everything that happened in one world. `--crash-at N [--moment before|after]` runs the fixed workload
 * of the crash loop instead, and kills its server in the n-th call of a port. `--durable` runs the worlds of durable functions and schedules.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { runWithCrash } from './crash-loop.js'
import { CrashAtCall } from './crash-points.js'
import { runDurable } from './durable/run-durable.js'
import { failureOf, lineOf, mediansOf, type RunSummary, summaryOf } from './report.js'
import { runSeed } from './run.js'
import type { RunReport } from './run-report.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    durable: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    'crash-at': { type: 'string' },
    moment: { type: 'string', default: 'before' },
  },
})

/** Memory of a thread for what lives shortly: worlds leave a lot of it. */
const YOUNG_MB = 128

/** A number as people write it; anything else ends the program with a sentence. */
const whole = (name: string, text: string): number => {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new Error(`--${name} is a whole number from 1, not "${text}"`)
  return Number(text)
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`)

/** Everything that happened, where that is asked for, and what was wrong. */
const show = (report: Pick<RunReport, 'replay' | 'violations' | 'trace'>): void => {
  if (values.trace) for (const line of report.trace.all()) say(line)
  const failure = failureOf(report)
  if (failure === undefined) return
  say(`\n${failure}`)
  process.exitCode = 1
}

const one = async (seed: number): Promise<void> => {
  const report = await (values.durable ? runDurable(seed) : runSeed(seed))
  show(report)
  say(lineOf(summaryOf(report)))
}

const crash = async (number: number): Promise<void> => {
  const point = new CrashAtCall(number, values.moment === 'after' ? 'after' : 'before')
  show(await runWithCrash(point))
  say(point.hit === undefined ? 'the call was not reached' : `died ${point.moment} the effect of ${point.hit}`)
}

/** Every thread takes the next seed when it is done with one. */
const many = async (first: number, runs: number): Promise<void> => {
  const summaries: RunSummary[] = []
  const startedAt = performance.now()
  let next = first
  const thread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('run-thread.js', import.meta.url), {
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      })
      const go = (): void => {
        if (next < first + runs && process.exitCode !== 1) worker.postMessage({ seed: next++, isDurable: values.durable })
        else worker.terminate().then(() => resolve(), reject)
      }
      worker.on('error', reject)
      worker.on('message', (summary: RunSummary) => {
        summaries.push(summary)
        say(summary.failure === undefined ? lineOf(summary) : `\n${summary.failure}`)
        if (summary.failure !== undefined) process.exitCode = 1
        go()
      })
      go()
    })
  await Promise.all(Array.from({ length: availableParallelism() }, thread))
  const { tasks, events, faults } = mediansOf(summaries)
  const aMinute = Math.round((summaries.length * 60_000) / (performance.now() - startedAt))
  say(`${summaries.length} runs, ${aMinute} a minute; at the median ${tasks} tasks, ${events} events, ${faults} faults`)
}

const runs = whole('runs', values.runs)
if (values['crash-at'] !== undefined) await crash(whole('crash-at', values['crash-at']))
else if (runs === 1) await one(whole('seed', values.seed))
else await many(whole('seed', values.seed), runs)
