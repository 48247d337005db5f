/** One thread of many runs: it is told a seed, runs its world, and says what came of it. */
import { parentPort } from 'node:worker_threads'
import { summaryOf } from './report.js'
import { runSeed } from './run.js'

parentPort?.on('message', (seed: number) => {
  runSeed(seed).then(
    (report) => parentPort?.postMessage(summaryOf(report)),
    (error: unknown) => {
      throw error
    },
  )
})
