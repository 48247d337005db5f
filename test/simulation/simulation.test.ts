import { expect, test } from 'vitest'
import { runSeed } from './run.js'

const RUNS = Number(process.env['TASKER_SIM_RUNS'] ?? 200)
const FIRST = Number(process.env['TASKER_SIM_SEED'] ?? 1)

test(`whatever goes wrong in ${RUNS} seeded worlds, no acknowledged task is lost and every invariant holds`, {
  timeout: 300_000,
}, async () => {
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    const { violations } = await runSeed(seed)
    expect(violations, `replay it with: npm run sim -- --seed ${seed}`).toEqual([])
  }
})

/** Seeds that found something, in the worlds they found it in. */
test.each([
  { seed: 4, found: 'a start that was refused kept the slot that was claimed for it', firstFaultsOnly: true },
  { seed: 53, found: 'a start that was refused kept the slot that was claimed for it', firstFaultsOnly: true },
  { seed: 10, found: 'a start that failed half-way moved a checkpoint without its rows', firstFaultsOnly: true },
  {
    seed: 121,
    found: 'a task that could not be read when its commit was refused was never taken up again',
    firstFaultsOnly: false,
  },
])('the world of seed $seed stays whole; once in it $found', async ({ seed, firstFaultsOnly }) => {
  const { violations } = await runSeed(seed, { firstFaultsOnly, firstTemplatesOnly: true })
  expect(violations).toEqual([])
})

test('in the world of seed 168 no worker runs more than its slots; once the slot of an attempt that a lost commit took away was free', async () => {
  const { violations } = await runSeed(168, { withoutOperators: true })
  expect(violations).toEqual([])
})
