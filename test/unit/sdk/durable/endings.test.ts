// How durable functions end: cancellation, cleaning up, ways back (X1 to X3 of `durable/ending.ts`).
import { expect, test } from 'vitest'
import { begin, cancelled, effect, entriesOf, failedEffect, fired, resultOf } from './hand-turned.js'

test('a cancelled function hears it at what it waits for, and ends as cancelled', async () => {
  const seen: string[] = []
  const hand = await begin(async (ctx) => {
    try {
      await ctx.sleep('30d')
    } catch (error) {
      seen.push((error as Error).name, (error as Error).message, String(ctx.cancellation.aborted))
      throw error
    }
  })
  await hand.tell(cancelled('customer left'))
  expect(seen).toEqual(['CancelledError', 'the task is being cancelled: customer left', 'true'])
  expect(hand.end).toEqual({ type: 'cancelled' })
})

test('what is asked for after the cancellation is refused in the same way, but not in a shielded scope', async () => {
  const hand = await begin(async (ctx) => {
    try {
      await ctx.sleep('30d')
    } finally {
      const after = await ctx.step('late', () => 1).catch((error: unknown) => (error as Error).name)
      await ctx.shielded('cleanup', (cleanup) => cleanup.step('note', () => after))
    }
  })
  await hand.tell(cancelled())
  expect(hand.asked()).toEqual(['timer sleep', 'step cleanup/note', 'cancel sleep'])
  expect(hand.end).toBeUndefined()
  await hand.tell(effect('cleanup/note', 1))
  expect(hand.end).toEqual({ type: 'cancelled' })
})

test('a function may answer its cancellation with a result', async () => {
  const hand = await begin((ctx) => ctx.sleep('30d').catch(() => 'stopped early'))
  await hand.tell(cancelled())
  expect(resultOf(hand)).toBe('stopped early')
})

test('a failed function is taken back, the last first, each as a step (X1)', async () => {
  const hand = await begin(async (ctx) => {
    await ctx.step('flight', () => 1)
    ctx.compensate('cancel flight', () => 'undone')
    await ctx.step('hotel', () => 1)
    ctx.compensate('cancel hotel', () => 'undone')
    await ctx.step('car', () => 1)
  })
  await hand.tell(effect('flight', 1), effect('hotel', 1), failedEffect('car', 'no cars', 'SOLD_OUT'))
  expect(hand.asked().slice(1)).toEqual(['step #back/cancel hotel'])
  await hand.tell(effect('#back/cancel hotel', 'undone'))
  expect(hand.asked().slice(2)).toEqual(['step #back/cancel flight'])
  expect(hand.end).toBeUndefined()
  await hand.tell(effect('#back/cancel flight', 'undone'))
  expect(hand.end).toMatchObject({ type: 'failed', failure: { code: 'SOLD_OUT', message: 'no cars' } })
})

test('a cancelled function is taken back though it is cancelled (X1)', async () => {
  const hand = await begin(async (ctx) => {
    ctx.compensate('undo', () => 1)
    await ctx.sleep('30d')
  })
  await hand.tell(cancelled())
  expect(hand.asked()).toContain('step #back/undo')
  await hand.tell(effect('#back/undo', 1))
  expect(hand.end).toEqual({ type: 'cancelled' })
})

test('a way back that fails keeps no other from being taken, and is told (X2)', async () => {
  const hand = await begin(async (ctx) => {
    ctx.compensate('first', () => 1)
    ctx.compensate('second', () => 1)
    await ctx.step('work', () => 1)
  })
  await hand.tell(failedEffect('work', 'broken'), failedEffect('#back/second', 'stuck'), effect('#back/first', 1))
  expect(hand.end).toMatchObject({
    type: 'failed',
    failure: { code: 'COMPENSATION_FAILED', message: 'broken; and this was not taken back: second: stuck' },
  })
})

test('nothing is taken back of a function that returned', async () => {
  const hand = await begin(async (ctx) => {
    ctx.compensate('undo', () => 1)
    return ctx.step('work', () => 1)
  })
  await hand.tell(effect('work', 'fine'))
  expect(resultOf(hand)).toBe('fine')
  expect(hand.asked()).toEqual(['step work'])
})

test('an operation that nobody awaited fails the function (X3, O3), and takes it back', async () => {
  const hand = await begin(async (ctx) => {
    ctx.compensate('undo', () => 1)
    const forgotten = ctx.step('forgotten', () => 1)
    await ctx.step('work', () => 1)
    return typeof forgotten
  })
  await hand.tell(effect('work', 1), effect('#back/undo', 1))
  expect(hand.end).toMatchObject({
    type: 'failed',
    failure: { code: 'OPERATION_NOT_AWAITED', message: 'the function ended and had never awaited the step forgotten' },
  })
})

test('branches that nobody awaited fail the function too', async () => {
  const hand = await begin((ctx) => {
    const forgotten = ctx.all([(branch) => branch.sleep('1m')])
    return typeof forgotten
  })
  expect(hand.end).toMatchObject({
    failure: { code: 'OPERATION_NOT_AWAITED', message: expect.stringContaining('all') as string },
  })
})

test('an operation that was awaited and lost a race fails nothing', async () => {
  const hand = await begin((ctx) => Promise.race([ctx.step('fast', () => 1), ctx.sleep('1h')]))
  await hand.tell(effect('fast', 1))
  expect(resultOf(hand)).toBe(1)
})

test('a result that JSON cannot hold, or that is too large, fails the function', async () => {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  const cases: readonly (readonly [unknown, string])[] = [
    [circle, 'RESULT_NOT_SERIALIZABLE'],
    [10n, 'RESULT_NOT_SERIALIZABLE'],
    ['x'.repeat(2 * 1024 * 1024), 'RESULT_TOO_LARGE'],
  ]
  for (const [value, code] of cases) {
    expect((await begin(() => value)).end).toMatchObject({ type: 'failed', failure: { code, retryable: false } })
  }
})

test('a function that forgets to return what continues it has failed', async () => {
  const hand = await begin((ctx) => {
    ctx.continueAs({ page: 2 })
    return 'done'
  })
  expect(hand.end).toMatchObject({ type: 'failed', failure: { code: 'CONTINUE_NOT_RETURNED' } })
})

test('a function that is let go of while it fails takes nothing back, and troubles nobody', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  const hand = await begin(async (ctx) => {
    ctx.compensate('undo', () => 1)
    await ctx.sleep('1s')
    throw new Error('too late')
  })
  hand.run.deliver(entriesOf([{ type: 'timer.started', key: 'sleep', kind: 'timer', dueAt: 0 }, fired('sleep')]))
  hand.run.stop()
  await hand.rest()
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
  expect(hand.asked()).toEqual(['timer sleep'])
  expect(hand.end).toBeUndefined()
})

test('a function that is let go of between two ways back begins no other', async () => {
  const hand = await begin(async (ctx) => {
    ctx.compensate('first', () => 1)
    ctx.compensate('second', () => 2)
    await ctx.sleep('1s')
    throw new Error('failed')
  })
  await hand.tell({ type: 'timer.started', key: 'sleep', kind: 'timer', dueAt: 0 }, fired('sleep'))
  const [key] = hand.issued.flat().flatMap((command) => (command.type === 'step' ? [command.key] : []))
  if (key === undefined) throw new Error('nothing is taken back')
  hand.run.deliver(entriesOf([effect(key, 2)]))
  hand.run.stop()
  await hand.rest()
  expect(hand.asked()).toEqual(['timer sleep', `step ${key}`])
})
