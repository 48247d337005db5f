// Branches of a durable function: N1 to N3 of `durable/branches.ts`, C1 to C3 of `scope.ts`.
import { Scope } from '@tasker/sdk/internal/durable/scope'
import { CancelledError } from '@tasker/sdk'
import { expect, test } from 'vitest'
import { begin, effect, failedEffect, resultOf } from './hand-turned.js'

test('each branch has keys of its own (N1), whoever is first', async () => {
  const hand = await begin((ctx) =>
    ctx.all({
      left: async (branch) => [await branch.step('get', () => 1), await branch.step('put', () => 2)],
      right: async (branch) => [await branch.step('get', () => 3), await branch.step('put', () => 4)],
    }),
  )
  await hand.tell(effect('all/right/get', 3), effect('all/left/get', 1))
  expect(hand.asked()).toEqual(['step all/left/get', 'step all/right/get', 'step all/right/put', 'step all/left/put'])
  await hand.tell(effect('all/left/put', 2), effect('all/right/put', 4))
  expect(resultOf(hand)).toEqual({ left: [1, 2], right: [3, 4] })
})

test('branches by place answer by place, promises among them', async () => {
  const hand = await begin((ctx) => ctx.all([ctx.step('plain', () => 1), async (branch) => branch.step('own', () => 2)]))
  expect(hand.asked()).toEqual(['step plain', 'step all/1/own'])
  await hand.tell(effect('all/1/own', 2), effect('plain', 1))
  expect(resultOf(hand)).toEqual([1, 2])
})

test('with a limit, branches begin in order as others end (N3)', async () => {
  const hand = await begin((ctx) =>
    ctx.all(
      ['a', 'b', 'c'].map((name) => async (branch) => branch.step(name, () => name)),
      { limit: 2, name: 'fan' },
    ),
  )
  expect(hand.asked()).toEqual(['step fan/0/a', 'step fan/1/b'])
  await hand.tell(effect('fan/1/b', 'b'))
  expect(hand.asked()).toEqual(['step fan/0/a', 'step fan/1/b', 'step fan/2/c'])
  await hand.tell(effect('fan/2/c', 'c'), effect('fan/0/a', 'a'))
  expect(resultOf(hand)).toEqual(['a', 'b', 'c'])
})

test('the first failure fails them all and cancels the others (N2)', async () => {
  const seen: string[] = []
  const hand = await begin(async (ctx) => {
    const branches = {
      bad: (branch: typeof ctx) => branch.step('bad', () => 1),
      slow: async (branch: typeof ctx) => {
        try {
          await branch.sleep('1h')
        } catch (error) {
          seen.push((error as Error).message, String(branch.cancellation.aborted))
          throw error
        }
      },
    }
    return ctx.all(branches).catch((error: unknown) => (error as Error).message)
  })
  await hand.tell(failedEffect('all/bad/bad', 'no luck'))
  expect(resultOf(hand)).toBe('no luck')
  expect(seen).toEqual(['another branch failed', 'true'])
})

test('the first to end wins a race; the timer of the other is cancelled while the function goes on', async () => {
  const hand = await begin(async (ctx) => {
    const winner = await ctx.race({
      work: (branch) => branch.step('work', () => 'done'),
      late: (branch) => branch.sleep('1m').then(() => 'late'),
    })
    await ctx.step('after', () => 1)
    return winner
  })
  await hand.tell(effect('race/work/work', 'done'))
  expect(hand.asked().slice(2)).toEqual(['step after', 'cancel race/late/sleep'])
  await hand.tell(effect('after', 1))
  expect(resultOf(hand)).toBe('done')
})

test('a promise that loses a race is left alone: it may be waited for elsewhere (N2)', async () => {
  const hand = await begin(async (ctx) => {
    const work = ctx.step('work', () => 1)
    const first = await ctx.race([work.then(() => 'work'), (branch) => branch.sleep('1m').then(() => 'slow')])
    return [first, await work]
  })
  await hand.tell({ type: 'timer.fired', kind: 'timer', key: 'race/1/sleep' })
  expect(hand.asked()).toEqual(['step work', 'timer race/1/sleep'])
  await hand.tell(effect('work', 1))
  expect(resultOf(hand)).toEqual(['slow', 1])
})

test('any takes the first result and fails only when every branch did', async () => {
  const both = (ctx: Parameters<Parameters<typeof begin>[0]>[0]) =>
    ctx
      .any([(branch) => branch.step('a', () => 1), (branch) => branch.step('b', () => 1)])
      .catch((error: unknown) => (error as AggregateError).errors.map((each: Error) => each.message))
  const one = await begin(both)
  await one.tell(failedEffect('any/0/a', 'no'), effect('any/1/b', 'yes'))
  expect(resultOf(one)).toBe('yes')
  const none = await begin(both)
  await none.tell(failedEffect('any/1/b', 'second'), failedEffect('any/0/a', 'first'))
  expect(resultOf(none)).toEqual(['first', 'second'])
})

test('of no branches all is empty and any fails', async () => {
  const hand = await begin(async (ctx) => [
    await ctx.all([]),
    await ctx.all({}),
    await ctx.any([]).catch((error: unknown) => (error as Error).name),
  ])
  expect(resultOf(hand)).toEqual([[], {}, 'AggregateError'])
})

test('a branch that throws at once has failed', async () => {
  const hand = await begin((ctx) =>
    ctx.all([
      () => {
        throw new Error('at once')
      },
    ]),
  )
  expect(hand.end).toMatchObject({ type: 'failed', failure: { message: 'at once' } })
})

test('a scope has names of its own, and a second one of its name others', async () => {
  const hand = await begin(async (ctx) => {
    const part = (name: string) => ctx.scope(name, (inner) => inner.step('a', () => 1))
    return Promise.all([part('x'), part('x'), part('y')])
  })
  expect(hand.asked()).toEqual(['step x/a', 'step x#2/a', 'step y/a'])
})

test('plain promises work: occurrences are counted in the order of the calls', async () => {
  const hand = await begin((ctx) => Promise.all([1, 2, 3].map((n) => ctx.step('page', () => n))))
  expect(hand.asked()).toEqual(['step page', 'step page#2', 'step page#3'])
  await hand.tell(effect('page#3', 3), effect('page', 1), effect('page#2', 2))
  expect(resultOf(hand)).toEqual([1, 2, 3])
})

test('a scope that is cancelled cancels what is below it, but not what is shielded (C1, C2)', () => {
  const top = new Scope('')
  const [below, shielded] = [top.below('below'), top.below('shielded', true)]
  const why = new CancelledError('enough')
  top.cancel(why)
  expect([top, below, shielded].map(({ signal }) => signal.aborted)).toEqual([true, true, false])
  expect(top.below('later').cancelled).toBe(why)
  expect(below.signal.reason).toBe(why)
})

test('a scope that has ended is not cancelled any more (C3)', () => {
  const top = new Scope('')
  const below = top.below('below')
  below.close()
  top.cancel(new CancelledError('enough'))
  expect(below.signal.aborted).toBe(false)
})
