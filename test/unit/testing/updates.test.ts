// Requests to durable functions, on the real engine and a clock that is turned.
import { defineFunction, FunctionDivergedError, PermanentError, replay, UpdateFailedError } from '@tasker/sdk'
import { createTestEnv, type TestEnv } from '@tasker/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

const NS = { namespace: 'shop', version: '1.0.0' }

/** A cart: it takes items until it is closed, and asks a price for each. */
const cart = defineFunction('cart', NS, async (ctx, { name }: { readonly name: string }) => {
  const items: string[] = []
  let closed = false
  ctx.onUpdate('add', z.object({ item: z.string().min(1) }), async ({ item }, update) => {
    if (closed) throw new PermanentError('the cart is closed', { code: 'CART_CLOSED' })
    const cents = await update.step('price', () => item.length * 100)
    items.push(item)
    ctx.setState('items', items.length)
    return { item, cents, count: items.length }
  })
  ctx.onUpdate('close', z.null(), () => {
    closed = true
    return items
  })
  await ctx.until(() => closed)
  await ctx.step('check out', () => items.length)
  return { name, items }
})

const failed = async (asked: Promise<unknown>): Promise<UpdateFailedError> => {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof UpdateFailedError) return error
  throw new Error('no update has failed', { cause: error })
}

describe.each([['kept in memory', false] as const, ['replayed at every operation', true] as const])(
  'a function that is %s',
  (_how, replayFunctionsAlways) => {
    let env: TestEnv
    afterEach(async () => env.close())
    const start = async () => {
      env = await createTestEnv({ tasks: [cart], replayFunctionsAlways })
      return env.client.submit(cart, { name: 'Ada' })
    }

    test('answers what its handlers give, in the order in which it is asked, and goes on by what they changed', async () => {
      const handle = await start()
      expect(await handle.update('add', { item: 'tea' })).toEqual({ item: 'tea', cents: 300, count: 1 })
      expect(await handle.update('add', { item: 'milk' })).toEqual({ item: 'milk', cents: 400, count: 2 })
      expect(await handle.shown('items')).toBe(2)
      expect(await handle.update('close')).toEqual(['tea', 'milk'])
      expect(await handle.result()).toEqual({ name: 'Ada', items: ['tea', 'milk'] })

      const history = { taskId: handle.taskId, events: await env.history(handle.taskId) }
      const types = history.events.map(({ type }) => type)
      expect(types.filter((type) => type === 'update.received')).toHaveLength(3)
      expect(types.filter((type) => type === 'update.answered')).toHaveLength(3)
      expect(await replay(history, cart)).toMatchObject({ type: 'ended', end: { type: 'returned' } })
      for (let length = 1; length < history.events.length; length++)
        await replay({ taskId: handle.taskId, events: history.events.slice(0, length) }, cart)
    })

    test('answers the same update once, whoever asks again and when', async () => {
      const handle = await start()
      const first = await handle.update('add', { item: 'tea' }, { id: 'mine' })
      expect(await handle.update('add', { item: 'coffee' }, { id: 'mine' })).toEqual(first)
      await handle.update('close')
      expect(await handle.result()).toEqual({ name: 'Ada', items: ['tea'] })
      expect(await handle.update('add', { item: 'tea' }, { id: 'mine' })).toEqual(first)
      await expect(handle.update('close', null, { id: 'late' })).rejects.toMatchObject({ reason: 'TASK_FINISHED' })
    })

    test('refuses what does not fit and what nobody takes, and says what a handler threw', async () => {
      const handle = await start()
      const misfit = await failed(handle.update('add', { item: 7 }, { id: 'misfit' }))
      expect(misfit).toMatchObject({ refused: true, failureCode: 'UPDATE_REFUSED', code: 'INVALID_INPUT' })
      expect(misfit.message).toContain('/item')
      expect(await failed(handle.update('add', { item: 'tea' }, { id: 'misfit' }))).toMatchObject({
        failureCode: 'UPDATE_REFUSED',
      })
      const unknown = await failed(handle.update('remove', null))
      expect(unknown).toMatchObject({ refused: true, failureCode: 'UNKNOWN_UPDATE' })
      expect(unknown.message).toContain('add, close')
      await expect(handle.update('close', null, { id: 'misfit' })).rejects.toMatchObject({ reason: 'UPDATE_ID_IN_USE' })
      const both = await Promise.allSettled([handle.update('close'), failed(handle.update('add', { item: 'late' }))])
      expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
      expect(await handle.result()).toEqual({ name: 'Ada', items: [] })
    })
  },
)

let env: TestEnv | undefined
afterEach(async () => env?.close())

test('an update that came before any worker is taken when the function begins', async () => {
  env = await createTestEnv({ tasks: [cart] })
  const handle = await env.client.submit(cart, { name: 'Ada' })
  const asked = handle.update('add', { item: 'tea' })
  await env.crashServer()
  expect(await asked).toMatchObject({ count: 1 })
})

test('a handler may wait for days, beside the function, and is cancelled with it', async () => {
  const slow = defineFunction('slow', NS, async (ctx) => {
    ctx.onUpdate('wait', z.object({ days: z.number() }), async ({ days }, update) => {
      await update.sleep(`${days}d`)
      return update.now() - ctx.now() + days
    })
    await ctx.sleep('10d')
    return 'slept'
  })
  env = await createTestEnv({ tasks: [slow] })
  const handle = await env.client.submit(slow, {})
  expect(await handle.update('wait', { days: 2 })).toBe(2)
  const late = failed(handle.update('wait', { days: 30 }))
  expect(await handle.result()).toBe('slept')
  expect(await late).toMatchObject({ failureCode: 'UPDATE_NOT_ANSWERED', refused: false })
  const other = await env.client.submit(slow, {})
  const cancelled = failed(other.update('wait', { days: 3 }))
  await env.advance('1d')
  await other.cancel('enough')
  expect((await cancelled).message).toContain('enough')
})

test('a function that continues answers what it has seen, and takes with it what it has not', async () => {
  const loop = defineFunction('loop', NS, async (ctx, { life }: { readonly life: number }) => {
    let asked = 0
    ctx.onUpdate('ask', z.string(), async (word, update) => {
      asked++
      if (word === 'slow') await update.sleep('30d')
      return `${word} in life ${life}`
    })
    await ctx.until(() => asked >= 2)
    return life === 1 ? ctx.continueAs({ life: 2 }) : 'over'
  })
  env = await createTestEnv({ tasks: [loop] })
  const handle = await env.client.submit(loop, { life: 1 })
  const slow = failed(handle.update('ask', 'slow', { id: 'slow' }))
  await env.advance('1h')
  expect(await handle.update('ask', 'one')).toBe('one in life 1')
  expect(await slow).toMatchObject({ failureCode: 'UPDATE_NOT_ANSWERED' })
  expect(await handle.update('ask', 'two')).toBe('two in life 2')
  expect(await handle.update('ask', 'three')).toBe('three in life 2')
  expect(await handle.result()).toBe('over')
  expect(await failed(handle.update('ask', 'slow', { id: 'slow' }))).toMatchObject({ failureCode: 'UPDATE_NOT_ANSWERED' })
})

test('what an earlier run refused is not handled by newer code, and an answered update that nobody handles any more diverges by its steps', async () => {
  env = await createTestEnv({ tasks: [cart] })
  const handle = await env.client.submit(cart, { name: 'Ada' })
  await failed(handle.update('remove', null))
  await handle.update('add', { item: 'tea' })
  await env.advance('1m')
  const history = { taskId: handle.taskId, events: await env.history(handle.taskId) }
  const handled: string[] = []
  const newer = defineFunction('cart', NS, async (ctx) => {
    ctx.onUpdate('remove', z.null(), () => handled.push('remove'))
    ctx.onUpdate('add', z.object({ item: z.string() }), async (_, update) => update.step('price', () => 1))
    await ctx.waitForSignal('never')
  })
  expect(await replay(history, newer)).toEqual({ type: 'waiting', asksFor: [] })
  expect(handled).toEqual([])
  const without = defineFunction('cart', NS, async (ctx) => ctx.waitForSignal('never'))
  await expect(replay(history, without)).rejects.toThrow(FunctionDivergedError)
})

test('a wait for a condition ends with its time, and throws what the condition throws', async () => {
  const waits = defineFunction('waits', NS, async (ctx) => {
    const late = await ctx.until(() => false, { timeout: '3d' })
    const now = await ctx.until(() => true, { timeout: '3d' })
    const thrown = await ctx
      .until(() => {
        throw new Error('no such variable')
      })
      .catch((error: unknown) => (error instanceof Error ? error.message : ''))
    return { late: late ?? 'late', now, thrown }
  })
  env = await createTestEnv({ tasks: [waits] })
  const handle = await env.client.submit(waits, {})
  expect(await handle.result()).toEqual({ late: 'late', now: true, thrown: 'no such variable' })
  expect(await replay({ taskId: handle.taskId, events: await env.history(handle.taskId) }, waits)).toMatchObject({
    type: 'ended',
  })
})

test('two handlers of one name are refused', async () => {
  const twice = defineFunction('twice', NS, async (ctx) => {
    ctx.onUpdate('add', z.null(), () => 1)
    ctx.onUpdate('add', z.null(), () => 2)
    await ctx.sleep('1d')
  })
  env = await createTestEnv({ tasks: [twice] })
  await expect((await env.client.submit(twice, {})).result()).rejects.toMatchObject({ failureCode: 'DUPLICATE_UPDATE' })
})
