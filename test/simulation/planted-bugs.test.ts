import { expect, test } from 'vitest'
import { PLANTED_BUGS } from './planted-bugs.js'
import { runSeed } from './run.js'

/** A bug that is not found in so many worlds would live. */
const SEEDS_MAX = 200

test('there are eight planted bugs, each with a name of its own', () => {
  expect(new Set(PLANTED_BUGS.map((plant) => plant().name)).size).toBe(8)
})

test.each(PLANTED_BUGS.map((plant) => ({ name: plant().name, foundAs: plant().foundAs, plant })))(
  'the planted bug "$name" is found, and called what it is',
  { timeout: 1_200_000 },
  async ({ name, foundAs, plant }) => {
    let found: { seed: number; what: string } | undefined
    for (let seed = 1; seed <= SEEDS_MAX && found === undefined; seed++) {
      const [first] = (await runSeed(seed, { bug: plant() })).violations
      if (first !== undefined) found = { seed, what: first.what }
    }
    process.stdout.write(`${name}: ${found === undefined ? 'not found' : `seed ${found.seed}, ${found.what}`}\n`)
    expect(found?.what).toMatch(foundAs)
  },
)
