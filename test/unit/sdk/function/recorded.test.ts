// The events of a task, as every door shows them, are a history that is replayed.
import { defineFunction, defineStep, OperationFailedError, PermanentError, replay, type RecordedEvent } from '@tasker/sdk'
import { createTestEnv, type TestEnv } from '@tasker/testing'
import { afterEach, expect, test } from 'vitest'

let env: TestEnv | undefined
afterEach(async () => env?.close())

const recorded = async (taskId: string) => ({ taskId, events: (await env?.history(taskId)) ?? [] })

const everything = defineFunction(
  'everything',
  { namespace: 'shop', version: '1.0.0' },
  async (ctx, { n }: { readonly n: number }) => {
    ctx.setState('phase', 'begun')
    const drawn = [ctx.uuid(), ctx.random(), ctx.now()]
    const one = await ctx.step('one', () => ({ n, odd: [null, 'ä', 1.5] }))
    const failed = await ctx
      .step('two', () => {
        throw new PermanentError('sold out', { code: 'SOLD_OUT' })
      })
      .catch((error: unknown) => (error instanceof OperationFailedError ? [error.message, error.code] : 'another error'))
    await ctx.sleep('30d')
    const early = await ctx.waitForSignal('early', { timeout: '1d' })
    const never = await ctx.waitForSignal('never', { timeout: '1d' })
    if (ctx.patched('second edition')) await ctx.step('new', () => 'new')
    return { drawn, one, failed, early, never: never ?? 'nobody came', at: ctx.now() }
  },
)

test('a task comes to the end that it had', async () => {
  env = await createTestEnv({ tasks: [everything] })
  const handle = await env.client.submit(everything, { n: 3 })
  await handle.signal('early', { said: 'hello' })
  const result = await handle.result()
  const replayed = await replay(await recorded(handle.taskId), everything)
  if (replayed.type !== 'ended' || replayed.end.type !== 'returned') throw new Error('it does not return')
  expect(JSON.parse(replayed.end.result)).toEqual(result)
})

test('a task that is under way fits as far as it goes, and waits', async () => {
  env = await createTestEnv({ tasks: [everything] })
  const handle = await env.client.submit(everything, { n: 3 })
  await env.advance('10d')
  const { events } = await recorded(handle.taskId)
  expect(await replay({ taskId: handle.taskId, events }, everything)).toEqual({ type: 'waiting', asksFor: [] })
  for (let length = 1; length < events.length; length++)
    await replay({ taskId: handle.taskId, events: events.slice(0, length) }, everything)
})

test('a function that was cancelled is replayed to its end, and one that continued in its last life', async () => {
  const loop = defineFunction('loop', { namespace: 'shop', version: '1.0.0' }, async (ctx, { n }: { readonly n: number }) => {
    ctx.compensate('undo', () => 'undone')
    await ctx.step(`step ${n}`, () => ctx.taskId)
    if (n === 1) return ctx.continueAs({ n: 2 })
    const kept = await ctx.waitForSignal('kept')
    await ctx.step('saw it', () => kept)
    await ctx.sleep('1d')
    return 'slept'
  })
  env = await createTestEnv({ tasks: [loop] })
  const handle = await env.client.submit(loop, { n: 1 }, { signal: { name: 'kept', payload: 7 } })
  await env.advance('1h')
  await handle.cancel('too late')
  await expect(handle.result()).rejects.toThrow('too late')
  expect(await replay(await recorded(handle.taskId), loop)).toEqual({ type: 'ended', end: { type: 'cancelled' } })
})

test('calls and children are read from the events of their steps', async () => {
  const price = defineStep<{ readonly item: string }>('Shop.Price', ({ input }) => input.item.length)
  const sold = defineStep('Shop.Sold', () => {
    throw new PermanentError('sold out', { code: 'SOLD_OUT' })
  })
  const parcel = defineFunction('parcel', { namespace: 'shop', version: '1.0.0' }, async (ctx) => ctx.step('send', () => 'sent'))
  const parent = defineFunction('parent', { namespace: 'shop', version: '1.0.0' }, async (ctx) => {
    const cents = await ctx.call<number>('Shop.Price', { item: 'tea' })
    const failed = await ctx.call('Shop.Sold', {}).catch((error: unknown) => (error as OperationFailedError).code)
    return { cents, failed, parcel: await ctx.child(parcel, {}) }
  })
  env = await createTestEnv({ tasks: [parent, parcel], handlers: [price, sold] })
  const handle = await env.client.submit(parent, {})
  const result = { cents: 3, failed: 'SOLD_OUT', parcel: 'sent' }
  expect(await handle.result()).toEqual(result)
  const history = await recorded(handle.taskId)
  const replayed = await replay(history, parent)
  expect(replayed).toEqual({ type: 'ended', end: { type: 'returned', result: JSON.stringify(result) } })
  const changed = defineFunction('parent', { namespace: 'shop', version: '1.0.0' }, async (ctx) => ctx.call('Shop.Cost', {}))
  await expect(replay(history, changed)).rejects.toMatchObject({ expected: 'the call Shop.Price', actual: 'the call Shop.Cost' })
})

test('what is no history of a task is refused', async () => {
  const event: RecordedEvent = { type: 'task.submitted', at: '2026-01-01T00:00:00Z', data: { context: { n: 1 } } }
  for (const given of [[], [{ ...event, type: 'step.completed' }], [event]])
    await expect(replay(given, everything)).rejects.toMatchObject({ reason: 'NO_HISTORY' })
  expect(await replay([{ ...event, task_id: 'task' }], everything)).toMatchObject({ type: 'waiting' })
})
