import { expect, test } from 'vitest'
import { runSeed } from './run.js'

const RUNS = Number(process.env['TASKER_SIM_RUNS'] ?? 100)
const FIRST = Number(process.env['TASKER_SIM_SEED'] ?? 1)

test(`whatever goes wrong in ${RUNS} seeded worlds, no acknowledged task is lost and every invariant holds`, {
  timeout: 300_000,
}, async () => {
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    const { violations } = await runSeed(seed)
    expect(violations, `replay it with: npm run sim -- --seed ${seed}`).toEqual([])
  }
})
