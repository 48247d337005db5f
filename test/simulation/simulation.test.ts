import { expect, test } from 'vitest'
import { runSeed } from './run.js'

const RUNS = Number(process.env['TASKER_SIM_RUNS'] ?? 200)
/** Worlds enough for everything to happen in some of them. */
const ENOUGH = 20
const FIRST = Number(process.env['TASKER_SIM_SEED'] ?? 1)

test(`whatever goes wrong in ${RUNS} seeded worlds, no acknowledged task is lost and every invariant holds`, {
  timeout: 300_000,
}, async () => {
  const tookBack = { begun: 0, complete: 0 }
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    const { violations, compensations } = await runSeed(seed)
    expect(violations, `replay it with: npm run sim -- --seed ${seed}`).toEqual([])
    tookBack.begun += compensations.begun
    tookBack.complete += compensations.complete
  }
  // The invariants of compensation say nothing where nothing is taken back; a single world may have none.
  if (RUNS >= ENOUGH) expect([tookBack.begun > RUNS, tookBack.complete > RUNS]).toEqual([true, true])
})

/** Seeds that found something, in the worlds they found it in. */
test.each([
  { seed: 1, found: 'a step that was let go of as soon as it was ready took a worker', firstFaultsOnly: false, templates: 'all' },
  { seed: 10, found: 'a submission that ended steps was quarantined', firstFaultsOnly: false, templates: 'all' },
  { seed: 59, found: 'the grace of a cancelled task ended its ways back', firstFaultsOnly: false, templates: 'all' },
  { seed: 4, found: 'a start that was refused kept the slot that was claimed for it', firstFaultsOnly: true, templates: 'first' },
  {
    seed: 53,
    found: 'a start that was refused kept the slot that was claimed for it',
    firstFaultsOnly: true,
    templates: 'first',
  },
  {
    seed: 10,
    found: 'a start that failed half-way moved a checkpoint without its rows',
    firstFaultsOnly: true,
    templates: 'first',
  },
  {
    seed: 121,
    found: 'a task that could not be read when its commit was refused was never taken up again',
    firstFaultsOnly: false,
    templates: 'first',
  },
])('the world of seed $seed stays whole; once in it $found', async ({ seed, firstFaultsOnly, templates }) => {
  const { violations } = await runSeed(seed, { firstFaultsOnly, firstTemplatesOnly: templates === 'first' })
  expect(violations).toEqual([])
})

test('in the world of seed 286 an attempt whose timeout was decided and lost times out again', async () => {
  const { violations } = await runSeed(286)
  expect(violations).toEqual([])
})

test('in the world of seed 168 no worker runs more than its slots; once the slot of an attempt that a lost commit took away was free', async () => {
  const { violations } = await runSeed(168, { beforeOperators: true })
  expect(violations).toEqual([])
})
