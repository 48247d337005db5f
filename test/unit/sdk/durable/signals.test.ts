// Waits for signals: M1 to M3 of `durable/mailbox.ts`, with timeouts and conditions.
import type { FunctionContext } from '@tasker/sdk/internal/durable/context'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { BEGAN_AT, begin, effect, fired, resultOf, signalled, started } from './hand-turned.js'

test('a signal wakes who waits for it', async () => {
  const hand = await begin((ctx) => ctx.waitForSignal('cancel'))
  expect(hand.issued).toEqual([])
  await hand.tell(signalled('other', 0), signalled('cancel', { why: 'left' }))
  expect(resultOf(hand)).toEqual({ why: 'left' })
})

test('a signal that came early is not lost (M1), and each is taken once, in order (M2, M3)', async () => {
  const hand = await begin(async (ctx) => {
    await ctx.step('slow', () => 1)
    return [await ctx.waitForSignal('note'), await ctx.waitForSignal('note'), await ctx.waitForSignal('note')]
  })
  await hand.tell(signalled('note', 1), signalled('note', 2), effect('slow', 1))
  expect(hand.end).toBeUndefined()
  await hand.tell(signalled('note', 3))
  expect(resultOf(hand)).toEqual([1, 2, 3])
})

test('two who wait are served in the order in which they began to (M2)', async () => {
  const hand = await begin((ctx) => Promise.all([ctx.waitForSignal('note'), ctx.waitForSignal('note')]))
  await hand.tell(signalled('note', 'first'), signalled('note', 'second'))
  expect(resultOf(hand)).toEqual(['first', 'second'])
})

test('what a condition is false for is left to others (M3)', async () => {
  const hand = await begin(async (ctx) => {
    const big = await ctx.waitForSignal<number>('amount', { where: (amount) => amount > 10 })
    return [big, await ctx.waitForSignal<number>('amount')]
  })
  await hand.tell(signalled('amount', 1), signalled('amount', 11))
  expect(resultOf(hand)).toEqual([11, 1])
})

test('a condition that throws rejects the wait, and the signal stays', async () => {
  const hand = await begin(async (ctx) => {
    const where = (payload: unknown): boolean => (payload as { deep: { ok: boolean } }).deep.ok
    const caught = await ctx.waitForSignal('note', { where }).catch((error: unknown) => (error as Error).name)
    return [caught, await ctx.waitForSignal('note')]
  })
  await hand.tell(signalled('note', {}))
  expect(resultOf(hand)).toEqual(['TypeError', {}])
})

test('a condition that throws for a signal that is there rejects the wait too', async () => {
  const hand = await begin(async (ctx) => {
    await ctx.step('slow', () => 1)
    const where = (): boolean => {
      throw new RangeError('out of range')
    }
    return ctx.waitForSignal('note', { where }).catch((error: unknown) => (error as Error).message)
  })
  await hand.tell(signalled('note', {}), effect('slow', 1))
  expect(resultOf(hand)).toBe('out of range')
})

const patient = (ctx: FunctionContext): Promise<unknown> =>
  ctx.waitForSignal('cancel', { timeout: '7d' }).then(async (answer) => {
    await ctx.step('after', () => 1)
    return answer ?? 'in vain'
  })

test('a wait with a timeout starts a timer, and its end is no answer', async () => {
  const hand = await begin(patient)
  expect(hand.issued).toEqual([[{ type: 'timer', kind: 'signal', key: 'cancel', dueAt: BEGAN_AT + 7 * 86_400_000 }]])
  await hand.tell(started('cancel', 'signal'), fired('cancel', 'signal'), signalled('cancel', 'late'), effect('after', 1))
  expect(resultOf(hand)).toBe('in vain')
})

test('the timer of a wait that was answered is cancelled (O2), and its late end tells nothing', async () => {
  const hand = await begin(patient)
  await hand.tell(started('cancel', 'signal'), signalled('cancel', 'in time'))
  expect(hand.asked()).toEqual(['timer cancel', 'step after', 'cancel cancel'])
  await hand.tell(fired('cancel', 'signal'), effect('after', 1))
  expect(resultOf(hand)).toBe('in time')
})

test('the timer of an answered wait is cancelled though its start is heard later, and not again on a replay', async () => {
  const hand = await begin(patient)
  await hand.tell(signalled('cancel', 'at once'))
  expect(hand.asked()).toEqual(['timer cancel', 'step after', 'cancel cancel'])
  const history = [signalled('cancel', 'at once'), started('cancel', 'signal')]
  expect((await begin(patient, { history })).asked()).toEqual(['step after', 'cancel cancel'])
  const over = [...history, { type: 'timer.cancelled', kind: 'signal', key: 'cancel' } as const]
  expect((await begin(patient, { history: over })).asked()).toEqual(['step after'])
})

test('a signal to another task is an operation', async () => {
  const hand = await begin((ctx) => ctx.signal('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'approved', { by: 'ann' }))
  expect(hand.issued.flat()).toEqual([
    { type: 'send', key: 'approved', taskId: '01ARZ3NDEKTSV4RRFFQ69G5FAV', signal: 'approved', payload: '{"by":"ann"}' },
  ])
  await hand.tell({
    type: 'effect.recorded',
    kind: 'send',
    key: 'approved',
    outcome: { type: 'succeeded', result: 'null' },
  })
  expect(hand.end).toEqual({ type: 'returned', result: 'null' })
})

test('a payload that does not fit the schema of its wait fails the wait with a code, and one that fits is what the schema makes of it', async () => {
  const hand = await begin(async (ctx) => {
    const schema = z.object({ by: z.string(), ok: z.boolean().default(true) })
    const code = await ctx.waitForSignal('answer', { schema }).catch((error: unknown) => (error as { reason?: string }).reason)
    return [code, await ctx.waitForSignal('answer', { schema })]
  })
  await hand.tell(signalled('answer', { by: 7 }), signalled('answer', { by: 'Ada' }))
  expect(resultOf(hand)).toEqual(['INPUT_SCHEMA_VIOLATION', { by: 'Ada', ok: true }])
})

test('a schema that answers later is refused', async () => {
  const hand = await begin((ctx) => {
    const schema = z.string().refine(() => Promise.resolve(true))
    return ctx.waitForSignal('answer', { schema }).catch((error: unknown) => (error as { reason?: string }).reason)
  })
  await hand.tell(signalled('answer', 'yes'))
  expect(resultOf(hand)).toBe('OPERATION_OUTSIDE_TURN')
})
