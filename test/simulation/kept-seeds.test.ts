import { expect, test } from 'vitest'
import { failureOf } from './report.js'
import { type RunOptions, runSeed } from './run.js'

/**
 * Seeds that found something, in the worlds they found it in: what came to the simulation later has dice of its own and is left out, so that they
 * are the same worlds to the last commit.
 */
const KEPT: readonly { readonly seed: number; readonly found: string; readonly options: RunOptions }[] = [
  { seed: 1, found: 'a step that was let go of as soon as it was ready took a worker', options: { beforeNetwork: true } },
  { seed: 10, found: 'a submission that ended steps was quarantined', options: { beforeNetwork: true } },
  { seed: 59, found: 'the grace of a cancelled task ended its ways back', options: { beforeNetwork: true } },
  {
    seed: 286,
    found: 'an attempt whose timeout was decided and lost did not time out again',
    options: { beforeNetwork: true },
  },
  {
    seed: 168,
    found: 'the slot of an attempt that a lost commit took away was free, and a worker ran more than its slots',
    options: { beforeOperators: true },
  },
  {
    seed: 4,
    found: 'a start that was refused kept the slot that was claimed for it',
    options: { firstFaultsOnly: true, firstTemplatesOnly: true },
  },
  {
    seed: 53,
    found: 'a start that was refused kept the slot that was claimed for it',
    options: { firstFaultsOnly: true, firstTemplatesOnly: true },
  },
  {
    seed: 10,
    found: 'a start that failed half-way moved a checkpoint without its rows',
    options: { firstFaultsOnly: true, firstTemplatesOnly: true },
  },
  {
    seed: 121,
    found: 'a task that could not be read when its commit was refused was never taken up again',
    options: { firstTemplatesOnly: true },
  },
]

test.each(KEPT)('the world of seed $seed stays whole; once in it $found', { timeout: 120_000 }, async ({ seed, options }) => {
  expect(failureOf(await runSeed(seed, options))).toBeUndefined()
})
