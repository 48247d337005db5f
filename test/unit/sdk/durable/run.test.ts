// The scheduler of a durable function, turned by hand: S1 to S6 of `durable/run.ts`, O1 to O3 of `operations.ts`, R1 to R3 of `journal.ts`.
import type { FunctionContext } from '@tasker/sdk/internal/durable/context'
import { OperationFailedError } from '@tasker/sdk'
import { expect, test } from 'vitest'
import { BEGAN_AT, begin, effect, failedEffect, fired, resultOf, SECOND, signalled, started } from './hand-turned.js'

test('a function is issued its first step, and goes on when the result is in the journal', async () => {
  const hand = await begin(async (ctx) => {
    const total = await ctx.step('price', () => 42)
    await ctx.step('charge', () => `charged ${total}`)
    return { total }
  })
  expect(hand.asked()).toEqual(['step price'])
  await hand.tell(effect('price', 42))
  expect(hand.asked()).toEqual(['step price', 'step charge'])
  expect(hand.end).toBeUndefined()
  await hand.tell(effect('charge', 'charged 42'))
  expect(resultOf(hand)).toEqual({ total: 42 })
})

test('what is recorded is not issued again (S2), and the function comes to the same place', async () => {
  const body = async (ctx: FunctionContext) => {
    const first = await ctx.step('one', () => 1)
    await ctx.sleep('30d')
    return first + (await ctx.step('two', () => 2))
  }
  const hand = await begin(body, { history: [effect('one', 1), started('sleep'), fired('sleep')] })
  expect(hand.asked()).toEqual(['step two'])
  await hand.tell(effect('two', 2))
  expect(resultOf(hand)).toBe(3)
})

test('a sleep that is under way is not begun a second time', async () => {
  const hand = await begin((ctx) => ctx.sleep('1h'), { history: [started('sleep')] })
  expect(hand.asked()).toEqual([])
  await hand.tell(fired('sleep'))
  expect(hand.end).toEqual({ type: 'returned', result: 'null' })
})

test('a function is resumed by one fact at a time (S1)', async () => {
  const seen: string[] = []
  const follow = async (what: PromiseLike<unknown>, name: string): Promise<void> => {
    await what
    // Each turn is followed to its end, however many promises it takes.
    for (let more = 0; more < 5; more++) await Promise.resolve()
    seen.push(name)
  }
  const hand = await begin(async (ctx) => {
    await Promise.all([
      follow(
        ctx.step('a', () => 1),
        'a',
      ),
      follow(
        ctx.step('b', () => 1),
        'b',
      ),
    ])
  })
  hand.run.deliver([
    { ...effect('b', 1), at: BEGAN_AT },
    { ...effect('a', 1), at: BEGAN_AT },
  ])
  await hand.rest()
  expect(seen).toEqual(['b', 'a'])
})

test('what is awaited together is issued together (S3)', async () => {
  const hand = await begin((ctx) => Promise.all([ctx.step('a', () => 1), ctx.sleep('1m'), ctx.call('Mail.Send', {})]))
  expect(hand.issued.map((commands) => commands.map(({ type }) => type))).toEqual([['step', 'timer', 'call']])
})

test('several facts at once are read before anything is issued (S3)', async () => {
  const hand = await begin((ctx) =>
    Promise.all(['a', 'b'].map((name) => ctx.step(name, () => 1).then(() => ctx.step(`${name}2`, () => 2)))),
  )
  await hand.tell(effect('a', 1), effect('b', 1))
  expect(hand.issued.map((commands) => commands.map(({ key }) => key))).toEqual([
    ['a', 'b'],
    ['a2', 'b2'],
  ])
})

test('an operation is settled once, by what was recorded first (S4)', async () => {
  const hand = await begin((ctx) => ctx.step('a', () => 1))
  await hand.tell(effect('a', 'first'), effect('a', 'second'))
  expect(resultOf(hand)).toBe('first')
})

test('a function sees what was recorded, not the object it was made from', async () => {
  const hand = await begin(async (ctx) => {
    const seen = await ctx.step('date', () => ({ at: new Date(0), gone: undefined }))
    return { type: typeof seen.at, keys: Object.keys(seen) }
  })
  await hand.tell(effect('date', { at: new Date(0) }))
  expect(resultOf(hand)).toEqual({ type: 'string', keys: ['at'] })
})

test('a failed step is an error that can be caught, with its code and its key', async () => {
  const hand = await begin(async (ctx) => {
    try {
      return await ctx.step('charge', () => 1)
    } catch (error) {
      if (!(error instanceof OperationFailedError)) throw error
      const { name, operation, message, code } = error
      return { name, operation, message, code }
    }
  })
  await hand.tell(failedEffect('charge', 'the card was refused', 'CARD_REFUSED'))
  expect(resultOf(hand)).toEqual({
    name: 'OperationFailedError',
    operation: 'charge',
    message: 'the card was refused',
    code: 'CARD_REFUSED',
  })
})

test('an error that is not caught ends the function with the failure as it was recorded', async () => {
  const hand = await begin((ctx) => ctx.step('charge', () => 1))
  await hand.tell(failedEffect('charge', 'the card was refused', 'CARD_REFUSED'))
  expect(hand.end).toMatchObject({ type: 'failed', failure: { message: 'the card was refused', errorType: 'PermanentError' } })
})

test('a function that throws at once has failed', async () => {
  const hand = await begin(() => {
    throw new RangeError('no such plan')
  })
  expect(hand.end).toMatchObject({ type: 'failed', failure: { message: 'no such plan', errorType: 'RangeError' } })
})

test('parallel branches that come in another order find their results by name (R2)', async () => {
  const body = (names: readonly string[]) => (ctx: FunctionContext) =>
    names.reduce(async (before, name) => [...(await before), await ctx.step(name, () => name)], Promise.resolve<string[]>([]))
  const hand = await begin(body(['b', 'a']), { history: [effect('a', 'A'), effect('b', 'B')] })
  expect(hand.divergence).toBeUndefined()
  expect(resultOf(hand)).toEqual(['B', 'A'])
})

test('time stands still within a turn and moves with what the function sees', async () => {
  const hand = await begin(async (ctx) => {
    const began = ctx.now()
    await ctx.step('a', () => 1)
    return [began, ctx.now(), ctx.now()].map((at) => (at - BEGAN_AT) / SECOND)
  })
  await hand.tell(effect('a', 1))
  expect(resultOf(hand)).toEqual([0, 1, 1])
})

test('a sleep is due so long after what the function saw last, or at its instant', async () => {
  const hand = await begin((ctx) => Promise.all([ctx.sleep('30d'), ctx.sleep(new Date(BEGAN_AT + 5), { name: 'until' })]))
  expect(hand.issued.flat()).toEqual([
    { type: 'timer', kind: 'timer', key: 'sleep', dueAt: BEGAN_AT + 30 * 86_400_000 },
    { type: 'timer', kind: 'timer', key: 'until', dueAt: BEGAN_AT + 5 },
  ])
})

test('dice fall the same way on every replay, and another way in another task or scope', async () => {
  const body = async (ctx: FunctionContext) => [
    ctx.random(),
    ctx.uuid(),
    ctx.uuid(),
    await ctx.scope('part', (part) => part.uuid()),
  ]
  const [one, again, other] = await Promise.all([begin(body), begin(body), begin(body, { taskId: 'another' })])
  expect(resultOf(again)).toEqual(resultOf(one))
  const texts = [resultOf(one), resultOf(other)].flatMap((drawn) => drawn as readonly unknown[])
  expect(new Set(texts).size).toBe(8)
  expect(texts[0]).toSatisfy((drawn: number) => drawn >= 0 && drawn < 1)
  expect(texts[1]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('a function that is stopped is resumed no more (S6)', async () => {
  const seen: string[] = []
  const hand = await begin(async (ctx) => {
    await ctx.step('a', () => 1)
    seen.push('resumed')
  })
  hand.run.stop()
  await hand.tell(effect('a', 1))
  expect(seen).toEqual([])
  expect(hand.end).toBeUndefined()
})

test('state is recorded when it is new, and only its last value', async () => {
  const body = async (ctx: FunctionContext) => {
    ctx.setState('phase', 'first')
    ctx.setState('phase', 'charging')
    await ctx.step('charge', () => 1)
    ctx.setState('phase', 'done')
  }
  const hand = await begin(body)
  expect(hand.issued.flat().filter(({ type }) => type === 'state')).toEqual([
    { type: 'state', key: 'phase', value: '"charging"' },
  ])
  const replayed = await begin(body, {
    history: [{ type: 'effect.recorded', kind: 'state', key: 'phase', value: '"charging"' }],
  })
  expect(replayed.asked()).toEqual(['step charge'])
  await replayed.tell(effect('charge', 1))
  expect(replayed.asked()).toEqual(['step charge', 'state phase'])
})

test('a function that continues as new ends with its next input', async () => {
  const hand = await begin((ctx, { page }: { page: number }) => ctx.continueAs({ page: page + 1 }), { input: { page: 7 } })
  expect(hand.end).toEqual({ type: 'continued', input: '{"page":8}', unread: [] })
})

test('a function that continues keeps the signals that nobody took', async () => {
  const hand = await begin(async (ctx) => {
    await ctx.waitForSignal('note')
    await ctx.step('work', () => 1)
    return ctx.continueAs({})
  })
  await hand.tell(
    signalled('other', 0, 1),
    signalled('note', 0, 2),
    signalled('note', 0, 3),
    effect('work', 1),
    signalled('late', 0, 4),
  )
  expect(hand.end).toEqual({ type: 'continued', input: '{}', unread: [1, 3, 4] })
})
