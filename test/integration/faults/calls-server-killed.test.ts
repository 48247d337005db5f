/** The server dies while a durable function calls handlers, and another one on the same database goes on. */
import { defineFunction, defineStep, Worker } from '@tasker/sdk'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { end } from '../../support/live-server.js'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { field } from './field.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const PATIENCE_MS = 60_000
const ROUNDS = 30

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

test('a server that is killed amid calls: each is recorded once, and the function has all results in their places', async () => {
  const on = await field(database.url)
  const server = await on.server()
  let ran = 0
  const add = defineStep<{ n: number; by: number }>('math/add', ({ input: { n, by } }) => {
    ran++
    return n + by
  })
  const sums = defineFunction('sums', { namespace: 'sums', version: '1.0.0' }, async (ctx) => {
    let sum = 0
    for (let round = 0; round < ROUNDS; round++) {
      const [one, two] = await ctx.all([
        ctx.call<number>(add, { n: sum, by: 1 }),
        ctx.call<number>(add, { n: 0, by: round }, { name: 'aside' }),
      ])
      sum = one + two
    }
    return sum
  })
  const worker = new Worker({
    url: on.address.grpcUrl,
    namespace: 'sums',
    tasks: [sums],
    handlers: [add],
    signals: false,
    logger: silent,
  })
  const ended = worker.run()
  onTestFinished(async () => {
    await worker.stop()
    await ended
  })
  const handle = await on.client.submit(sums, {})
  await until('some calls have ended', PATIENCE_MS, async () => (ran >= ROUNDS / 2 ? true : undefined))
  await end(server, 'SIGKILL')
  expect(ran).toBeLessThan(2 * ROUNDS)
  await on.server()
  expect(await handle.result()).toBe(ROUNDS + (ROUNDS * (ROUNDS - 1)) / 2)
  const calls: string[] = []
  for await (const { type, data } of handle.events()) {
    if (type === 'steps.created') calls.push(...((data as { calls?: { key: string }[] }).calls ?? []).map(({ key }) => key))
  }
  expect(calls.length).toBe(2 * ROUNDS)
  expect(new Set(calls).size).toBe(2 * ROUNDS)
}, 120_000)
