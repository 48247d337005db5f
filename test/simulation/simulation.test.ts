import { test } from 'vitest'
import { holdIn } from './worlds.js'

/** The other half is in `simulation-rest.test.ts`, so that two threads share them. */
const RUNS = Number(process.env['TASKER_SIM_RUNS'] ?? 500)
const FIRST = Number(process.env['TASKER_SIM_SEED'] ?? 1)

test(`whatever goes wrong in ${RUNS} seeded worlds, no acknowledged task is lost and every invariant holds`, {
  timeout: 1_800_000,
}, async () => {
  await holdIn(FIRST, RUNS)
})
