/**
 * `npm run sim -- [--seed N] [--runs N] [--trace]`: runs seeded worlds, a thread a core, says what happened in each and the medians of all; exits with 1
 * at the first broken promise. `--trace` shows everything that happened in one world.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { failureOf, lineOf, mediansOf, type RunSummary, summaryOf } from './report.js'
import { runSeed } from './run.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed)
const runs = Number(values.runs)

const say = (line: string): boolean => process.stdout.write(`${line}\n`)

const one = async (seed: number): Promise<void> => {
  const report = await runSeed(seed)
  if (values.trace) for (const line of report.trace.all()) say(line)
  say(lineOf(summaryOf(report)))
  const failure = failureOf(report)
  if (failure === undefined) return
  say(`\n${failure}`)
  process.exitCode = 1
}

/** Every thread takes the next seed when it is done with one. */
const many = async (): Promise<void> => {
  const summaries: RunSummary[] = []
  const startedAt = performance.now()
  let next = first
  const thread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('run-thread.js', import.meta.url))
      const go = (): void => {
        if (next < first + runs && process.exitCode !== 1) worker.postMessage(next++)
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

await (runs === 1 ? one(first) : many())
