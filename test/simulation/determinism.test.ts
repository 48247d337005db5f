import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runSeed } from './run.js'

const TIMEOUT_MS = 120_000

test.each([3, 17, 42])(
  'the world of seed %i is the same twice, to the last word of its trace',
  { timeout: TIMEOUT_MS },
  async (seed) => {
    const first = (await runSeed(seed)).trace
    const second = (await runSeed(seed)).trace
    expect(first.length).toBeGreaterThan(1_000)
    expect(second.all()).toEqual(first.all())
    expect(second.digest()).toBe(first.digest())
  },
)

test('another seed makes another world', { timeout: TIMEOUT_MS }, async () => {
  expect((await runSeed(3)).trace.digest()).not.toBe((await runSeed(4)).trace.digest())
})

/** Only what shows runs to people may look at a real clock. */
const SHOWS_RUNS = new Set(['main.ts'])

test('nothing in the simulation rolls other dice or looks at another clock', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !SHOWS_RUNS.has(file),
  )
  expect(files.length).toBeGreaterThan(40)
  const forbidden = /Math\.random|Date\.now|new Date\(\)|performance\.now|setTimeout|setInterval|randomUUID|randomBytes/
  expect(files.filter((file) => forbidden.test(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')))).toEqual([])
})
