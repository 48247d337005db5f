import { expect, test } from 'vitest'
import { DURABLE_BUGS } from './planted-bugs.js'
import { runDurable } from './run-durable.js'

/** A bug that is not found in so many worlds would live. */
const SEEDS_MAX = 100

test('each invariant of functions and schedules has a bug of its own', () => {
  expect(new Set(DURABLE_BUGS.map((plant) => plant().name)).size).toBe(12)
})

test.each(DURABLE_BUGS.map((plant) => ({ name: plant().name, foundAs: plant().foundAs, plant })))(
  'the planted bug "$name" is found, and called what it is',
  { timeout: 600_000 },
  async ({ name, foundAs, plant }) => {
    let found: { seed: number; what: string } | undefined
    for (let seed = 1; seed <= SEEDS_MAX && found === undefined; seed++) {
      const [first] = (await runDurable(seed, { bug: plant() })).violations
      if (first !== undefined) found = { seed, what: first.what }
    }
    process.stdout.write(`${name}: ${found === undefined ? 'not found' : `seed ${found.seed}, ${found.what}`}\n`)
    expect(found?.what).toMatch(foundAs)
  },
)
