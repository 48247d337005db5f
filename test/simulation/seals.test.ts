/** Worlds in which seals are made: they hold whatever goes wrong. */
import { expect, test } from 'vitest'
import { runSeed } from './run.js'

const WORLDS = 15
const TIMEOUT_MS = 300_000

test(`whatever goes wrong in ${WORLDS} seeded worlds, chains and seals verify`, { timeout: TIMEOUT_MS }, async () => {
  for (let seed = 1; seed <= WORLDS; seed++) {
    const { violations } = await runSeed(seed, { seals: true })
    expect(
      violations.filter((violation) => violation.startsWith('SEAL')),
      `seed ${seed}`,
    ).toEqual([])
  }
})
