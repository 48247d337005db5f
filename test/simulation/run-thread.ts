/** One thread of many runs: it is told a seed, runs its world, and says what came of it. */
import { parentPort } from 'node:worker_threads'
import { summaryOf } from './report.js'
import { runDurable } from './durable/run-durable.js'
import { runSeed } from './run.js'

parentPort?.on('message', ({ seed, isDurable }: { readonly seed: number; readonly isDurable: boolean }) => {
  const run = isDurable ? runDurable(seed) : runSeed(seed)
  run.then(
    (report) => parentPort?.postMessage(summaryOf(report)),
    (error: unknown) => {
      throw error
    },
  )
})
