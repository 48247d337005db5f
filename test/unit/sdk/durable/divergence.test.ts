// A function that asks for something else than its journal holds (S5, R3), and code that may differ (`patched`).
import type { FunctionContext } from '@tasker/sdk/internal/durable/context'
import { lineOf, siteOf } from '@tasker/sdk/internal/durable/divergence'
import type { JournalFact } from '@tasker/sdk/internal/durable/entries'
import { expect, test } from 'vitest'
import { begin, effect, fired, resultOf, signalled, started } from './hand-turned.js'

const chargeAndShip = async (ctx: FunctionContext): Promise<void> => {
  await ctx.step('charge', () => 1)
  await ctx.step('ship', () => 2)
}

test('a step that is asked for in the place of another is told with its line, and nothing is issued', async () => {
  const hand = await begin(
    async (ctx) => {
      await ctx.step('check', () => 0)
      await chargeAndShip(ctx)
    },
    { history: [effect('charge', 1), effect('ship', 2)] },
  )
  expect(hand.divergence).toMatchObject({
    expected: { kind: 'step', key: 'charge' },
    actual: { kind: 'step', key: 'check' },
    line: expect.stringMatching(/divergence\.test\.ts:\d+:\d+$/) as string,
  })
  expect(hand.divergence?.message).toMatch(
    /^the journal has the step charge where the function asked for the step check \(.*:\d+:\d+\)$/,
  )
  expect(hand.issued).toEqual([])
})

test('a step that is gone from the code is told with what came in its place', async () => {
  const hand = await begin((ctx) => ctx.step('ship', () => 2), { history: [effect('charge', 1), effect('ship', 2)] })
  expect(hand.divergence).toMatchObject({ expected: { key: 'charge' }, actual: { key: 'ship' } })
})

test('a function that ends before its journal does has diverged', async () => {
  const hand = await begin((ctx) => ctx.step('charge', () => 1), { history: [effect('charge', 1), effect('ship', 2)] })
  expect(hand.divergence).toMatchObject({ expected: { key: 'ship' }, actual: 'end', line: '' })
  expect(hand.end).toBeUndefined()
})

test('a function that goes on where it ended before has diverged', async () => {
  const hand = await begin(chargeAndShip, { history: [effect('charge', 1), { type: 'function.ended' }] })
  expect(hand.divergence).toMatchObject({ expected: 'end', actual: { kind: 'step', key: 'ship' } })
})

test('a function that ends where it ended before has not', async () => {
  const hand = await begin(chargeAndShip, { history: [effect('charge', 1), effect('ship', 2), { type: 'function.ended' }] })
  expect(hand.divergence).toBeUndefined()
  expect(hand.end).toEqual({ type: 'returned', result: 'null' })
})

test('another kind of operation under the same key is told at once', async () => {
  const hand = await begin((ctx) => ctx.step('wait', () => 1), { history: [started('wait'), fired('wait')] })
  expect(hand.divergence).toMatchObject({ expected: { kind: 'timer', key: 'wait' }, actual: { kind: 'step', key: 'wait' } })
})

test('a call to another handler under the same name is told', async () => {
  const history: JournalFact[] = [{ type: 'call.started', key: 'send', target: 'Mail.Send' }]
  const hand = await begin((ctx) => ctx.call('Sms.Send', {}, { name: 'send' }), { history })
  expect(hand.divergence?.message).toMatch(
    /the call send \(Mail\.Send\) where the function asked for the call send \(Sms\.Send\)/,
  )
  expect((await begin((ctx) => ctx.call('Mail.Send', {}, { name: 'send' }), { history })).divergence).toBeUndefined()
})

test('a function that asks for nothing is told so', async () => {
  const hand = await begin(() => new Promise(() => undefined), { history: [effect('charge', 1)] })
  expect(hand.divergence).toMatchObject({ expected: { key: 'charge' }, actual: 'nothing' })
})

test('what was in flight when the journal ended is no divergence', async () => {
  const hand = await begin((ctx) => Promise.all([ctx.step('a', () => 1), ctx.step('b', () => 2)]), { history: [effect('b', 2)] })
  expect(hand.divergence).toBeUndefined()
  expect(hand.asked()).toEqual(['step a'])
})

test('a journal that does not fit is told when it comes, also to a function that is in memory', async () => {
  const hand = await begin((ctx) => ctx.step('a', () => 1))
  await hand.tell(effect('b', 1))
  expect(hand.divergence).toMatchObject({ expected: { key: 'b' }, actual: 'nothing' })
})

const patchedCharge = async (ctx: FunctionContext): Promise<string> => {
  await ctx.step('check', () => 1)
  if (ctx.patched('new-tax')) await ctx.step('tax', () => 1)
  await ctx.step('charge', () => 1)
  return ctx.patched('new-tax') ? 'new' : 'old'
}

test('a function that never came here before takes the patch, and it is recorded with what follows', async () => {
  const hand = await begin(patchedCharge)
  await hand.tell(effect('check', 1))
  expect(hand.issued[1]).toMatchObject([{ type: 'patch', key: 'new-tax' }, { key: 'tax' }])
})

test('a function that came past a patch without it goes the old way for ever', async () => {
  const hand = await begin(patchedCharge, { history: [effect('check', 1), effect('charge', 1)] })
  expect(hand.divergence).toBeUndefined()
  expect(resultOf(hand)).toBe('old')
})

test('a patch that is recorded is taken on every replay, and not recorded again', async () => {
  const marker: JournalFact = { type: 'effect.recorded', kind: 'patch', key: 'new-tax' }
  const hand = await begin(patchedCharge, { history: [effect('check', 1), marker, effect('tax', 1), effect('charge', 1)] })
  expect(resultOf(hand)).toBe('new')
  expect(hand.issued).toEqual([])
})

test('news that came while nobody ran does not keep a function from taking a patch', async () => {
  const hand = await begin(patchedCharge, { history: [effect('check', 1), signalled('hello', 1)] })
  expect(hand.asked()).toEqual(['patch new-tax', 'step tax'])
})

test('the line of a call is told also where it has no function around it', () => {
  const call = (): string => lineOf(siteOf(call))
  expect(call()).toMatch(/divergence\.test\.ts:\d+:\d+$/)
  expect(lineOf({})).toBe('')
  expect(lineOf({ stack: 'Error\n    at async Promise.all (index 0)\n' })).toBe('')
  expect(lineOf({ stack: 'Error\n    at run (file:///app/my code.js:3:7)\n' })).toBe('code.js:3:7')
})
