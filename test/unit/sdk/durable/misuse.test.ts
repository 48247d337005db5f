// What a durable function may not do: each has a reason, and is thrown at the call (B1 to B3 of `durable/baton.ts`, S6 of `run.ts`).
import type { FunctionContext } from '@tasker/sdk/internal/durable/context'
import { expect, test } from 'vitest'
import { begin, effect, Process, resultOf } from './hand-turned.js'

/** The reason of what is thrown. */
const reasonOf = (act: () => unknown): string => {
  try {
    act()
    return 'nothing was thrown'
  } catch (error) {
    return (error as { reason: string }).reason
  }
}

test('an operation after the function returned is refused', async () => {
  let kept: FunctionContext | undefined
  const hand = await begin((ctx) => {
    kept = ctx
    return 1
  })
  expect(resultOf(hand)).toBe(1)
  expect(reasonOf(() => kept?.step('late', () => 1))).toBe('OPERATION_AFTER_END')
  expect(reasonOf(() => kept?.setState('late', 1))).toBe('OPERATION_AFTER_END')
})

test('an operation of a branch that has ended is refused', async () => {
  const hand = await begin(async (ctx) => {
    let kept = ctx
    await ctx.scope('part', (part) => {
      kept = part
    })
    return reasonOf(() => kept.sleep('1s'))
  })
  expect(resultOf(hand)).toBe('OPERATION_AFTER_END')
})

test('an operation of a function that is in memory no more is refused', async () => {
  let kept: FunctionContext | undefined
  const hand = await begin((ctx) => {
    kept = ctx
    return ctx.sleep('1h')
  })
  hand.run.stop()
  expect(reasonOf(() => kept?.step('late', () => 1))).toBe('OPERATION_AFTER_END')
})

test('the context of another task is refused', async () => {
  const process = new Process()
  let first: FunctionContext | undefined
  await begin(
    (ctx) => {
      first = ctx
      return ctx.sleep('1h')
    },
    { process, taskId: 'first' },
  )
  const second = await begin(() => reasonOf(() => first?.step('stolen', () => 1)), { process, taskId: 'second' })
  expect(resultOf(second)).toBe('CONTEXT_OF_ANOTHER_TASK')
})

test('a step inside a step is refused, at once and after it waited', async () => {
  const reasons: string[] = []
  const hand = await begin((ctx) =>
    ctx.step('outer', async () => {
      reasons.push(reasonOf(() => ctx.step('inner', () => 1)))
      await new Promise((resolve) => setImmediate(resolve))
      reasons.push(reasonOf(() => ctx.sleep('1s')))
    }),
  )
  await hand.step('outer').invoke({ signal: new AbortController().signal, attempt: 1 })
  expect(reasons).toEqual(['OPERATION_IN_STEP', 'OPERATION_IN_STEP'])
})

test('a step that throws at once is over', async () => {
  const hand = await begin((ctx) =>
    ctx.step('outer', () => {
      throw new Error('at once')
    }),
  )
  const scope = { signal: new AbortController().signal, attempt: 1 }
  expect(() => hand.step('outer').invoke(scope)).toThrow('at once')
  await hand.tell(effect('outer', 1))
  expect(resultOf(hand)).toBe(1)
})

/** Something of the world that a function waits for by itself; the test says when it comes. */
const worldOf = () => {
  const listeners: (() => void)[] = []
  const comes = new Promise<void>((resolve) => listeners.push(resolve))
  return { comes, come: () => listeners.forEach((listener) => listener()) }
}

test('a function that waited for the world outside a step is told so', async () => {
  const world = worldOf()
  const hand = await begin(async (ctx) => {
    await world.comes
    return ctx.step('after', () => 1)
  })
  world.come()
  await hand.rest()
  expect(hand.end).toMatchObject({ type: 'failed', failure: { code: 'OPERATION_OUTSIDE_TURN' } })
})

test('what it did is taken back all the same', async () => {
  const world = worldOf()
  const hand = await begin(async (ctx) => {
    ctx.compensate('undo', () => 1)
    await world.comes
    return ctx.step('after', () => 1)
  })
  world.come()
  await hand.rest()
  expect(hand.asked()).toEqual(['step #back/undo'])
  await hand.tell(effect('#back/undo', 1))
  expect(hand.end).toMatchObject({ type: 'failed', failure: { code: 'OPERATION_OUTSIDE_TURN' } })
})

test('what cannot be a name or a key is refused', async () => {
  const names = ['', 'n'.repeat(10_000)]
  const hand = await begin((ctx) => [
    ...names.map((name) => reasonOf(() => ctx.step(name, () => 1))),
    ...names.map((name) => reasonOf(() => ctx.scope(name, () => 1))),
    ...names.map((name) => reasonOf(() => ctx.setState(name, 1))),
    ...names.map((name) => reasonOf(() => ctx.patched(name))),
    ...names.map((name) => reasonOf(() => ctx.compensate(name, () => 1))),
    ...names.map((key) => reasonOf(() => ctx.step('fine', () => 1, { key }))),
    ...names.map((name) => reasonOf(() => ctx.all([], { name }))),
  ])
  expect(resultOf(hand)).toEqual(new Array(14).fill('BAD_NAME'))
})

test('a key that is given twice is refused, under other names it is another', async () => {
  const hand = await begin(async (ctx) => {
    await Promise.all([ctx.step('item', () => 1, { key: 'a' }), ctx.step('other', () => 1, { key: 'a' })])
    return reasonOf(() => ctx.step('item', () => 1, { key: 'a' }))
  })
  expect(hand.asked()).toEqual(['step item@a', 'step other@a'])
  await hand.tell(effect('item@a', 1), effect('other@a', 1))
  expect(resultOf(hand)).toBe('DUPLICATE_OPERATION_KEY')
})

test('what is given to an operation must be JSON, and not too much', async () => {
  const hand = await begin((ctx) => [
    reasonOf(() => ctx.call('Any', { n: 10n })),
    reasonOf(() => ctx.call('Any', () => 1)),
    reasonOf(() => ctx.call('Any', 'x'.repeat(1024 * 1024))),
    reasonOf(() => ctx.signal('task', 'note', 'x'.repeat(256 * 1024))),
    reasonOf(() => ctx.setState('big', 'x'.repeat(64 * 1024))),
    reasonOf(() => ctx.child({ name: 'order', namespace: 'shop', version: '1.0.0' }, Number.NaN as never)),
    reasonOf(() => ctx.continueAs(new Map())),
  ])
  expect(resultOf(hand)).toEqual([
    'INPUT_NOT_SERIALIZABLE',
    'INPUT_NOT_SERIALIZABLE',
    'OPERATION_INPUT_TOO_LARGE',
    'OPERATION_INPUT_TOO_LARGE',
    'OPERATION_INPUT_TOO_LARGE',
    'INPUT_NOT_SERIALIZABLE',
    'INPUT_NOT_SERIALIZABLE',
  ])
})

test('times that are none, and sleeps that are too long, are refused', async () => {
  const hand = await begin((ctx) => [
    reasonOf(() => ctx.sleep('soon' as '1s')),
    reasonOf(() => ctx.sleep('4000d')),
    reasonOf(() => ctx.sleep(new Date(Number.NaN))),
    reasonOf(() => ctx.waitForSignal('note', { timeout: -1 })),
  ])
  expect(resultOf(hand)).toEqual(['BAD_DURATION', 'BAD_DURATION', 'BAD_DURATION', 'BAD_DURATION'])
})

test('limits of branches are whole numbers from 1 up', async () => {
  const hand = await begin((ctx) => [0, -1, 1.5].map((limit) => reasonOf(() => ctx.all([() => 1], { limit }))))
  expect(resultOf(hand)).toEqual(['INVALID_COUNT', 'INVALID_COUNT', 'INVALID_COUNT'])
})

test('there are only so many operations and names of state', async () => {
  const hand = await begin(async (ctx) => {
    const state = reasonOf(() => {
      for (let name = 0; name <= 100; name++) ctx.setState(`name ${name}`, name)
    })
    const all = []
    try {
      for (let page = 0; page < 50_000; page++) all.push(ctx.step('page', () => page))
    } catch (error) {
      await Promise.race(all)
      return [state, (error as { reason: string }).reason, all.length]
    }
    return 'no limit'
  })
  await hand.tell(effect('page', 1))
  expect(resultOf(hand)).toEqual(['TOO_MANY_STATE_KEYS', 'TOO_MANY_OPERATIONS', 10_000])
})

test('a function that had all its operations is still taken back', async () => {
  const hand = await begin(async (ctx) => {
    const ways = reasonOf(() => {
      for (let way = 0; way < 10_000; way++) ctx.compensate('undo', () => 1)
      ctx.compensate('one more', () => 1)
    })
    if (ways !== 'TOO_MANY_OPERATIONS') return ways
    const all = Array.from({ length: 10_000 }, () => ctx.step('page', () => 1))
    await Promise.race(all)
    return ctx.step('one more', () => 1)
  })
  await hand.tell(effect('page', 1))
  expect(hand.asked().at(-1)).toBe('step #back/undo')
})
