// Versions of durable functions: a task stays on the one it began with, new tasks take the newest.
import { Client, defineFunction, type FunctionDefinition, Worker } from '@tasker/sdk'
import { createTestEnv, type TestEnv } from '@tasker/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'

const greeting = (version: string, word: string) =>
  defineFunction('greeting', { namespace: 'shop', version }, async (ctx, { name }: { readonly name: string }) => {
    await ctx.step(`say ${word}`, () => word)
    await ctx.waitForSignal('go')
    return `${word} ${name}`
  })

const FIRST = greeting('1.0.0', 'hello')
const SECOND = greeting('1.10.0', 'good day')
const NEWEST = { namespace: 'shop', name: 'greeting' }

let env: TestEnv
const workers: Worker[] = []
const work = async (...tasks: FunctionDefinition[]): Promise<Worker> => {
  const worker = new Worker({ ...env.connection, namespace: 'shop', tasks })
  workers.push(worker)
  worker.run().catch(() => undefined)
  await env.advance('1s')
  return worker
}

/** A worker that stops waits on the clock of the test. */
const stop = async (worker: Worker): Promise<void> => {
  const stopped = worker.stop()
  await env.advance('10s')
  await stopped
}

beforeEach(async () => {
  env = await createTestEnv({ namespace: 'shop' })
})
afterEach(async () => {
  for (const worker of workers.splice(0)) await stop(worker)
  await env.close()
})

test('a task goes on with the version it began with, and a new one takes the newest, by the order of semver', async () => {
  await work(FIRST)
  const old = await env.client.submit(FIRST, { name: 'Ada' })
  await env.advance('1m')
  await work(FIRST, SECOND, greeting('1.9.0', 'good evening'))
  await env.client.submit(SECOND, { name: 'nobody' })
  const fresh = await env.client.submit(NEWEST, { name: 'Bob' })
  expect((await fresh.state()).version).toBe('1.10.0')
  await old.signal('go')
  await fresh.signal('go')
  expect(await old.result()).toBe('hello Ada')
  expect(await fresh.result()).toBe('good day Bob')
  expect((await old.state()).version).toBe('1.0.0')
})

test('a task whose version nobody offers any more waits and says so, and goes on when somebody does', async () => {
  const first = await work(FIRST)
  const handle = await new Client({ ...env.connection }).submit(FIRST, { name: 'Ada' })
  await env.advance('1m')
  await stop(first)
  workers.splice(workers.indexOf(first), 1)
  await work(SECOND)
  await handle.signal('go')
  await env.advance('1m')
  const { steps } = await handle.explain()
  expect(steps).toEqual([expect.objectContaining({ stepId: 'run', reason: 'worker' })])
  expect(steps[0]?.why).toContain('greeting@1.0.0/run')
  await work(FIRST)
  expect(await handle.result()).toBe('hello Ada')
})
