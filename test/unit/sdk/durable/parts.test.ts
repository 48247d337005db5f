// The small parts of the scheduler: keys, dice, bytes, promises that know whether they are awaited, turns.
import { Awaitable } from '@tasker/sdk/internal/durable/awaitable'
import { Baton } from '@tasker/sdk/internal/durable/baton'
import { isOwn, kindOf, type KeyedEntry } from '@tasker/sdk/internal/durable/entries'
import { Keys, within } from '@tasker/sdk/internal/durable/keys'
import { diceOf, fraction, uuidFrom } from '@tasker/sdk/internal/durable/random'
import { textBytes } from '@tasker/sdk/internal/durable/text-bytes'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('no two operations share a key (K2), whatever their names are', () => {
  const name = fc
    .array(fc.constantFrom('a', '/', '#', '@', '%', '2', '%2F'), { minLength: 1, maxLength: 4 })
    .map((all) => all.join(''))
  const asked = fc.tuple(fc.array(name, { maxLength: 2 }), name, fc.option(name, { nil: undefined }))
  fc.assert(
    fc.property(fc.uniqueArray(asked, { selector: (one) => JSON.stringify(one), maxLength: 20 }), (all) => {
      const scopes = new Map<string, Keys>()
      const keys = all.map(([path, own, given]) => {
        const place = path.reduce(within, '')
        const scope = scopes.get(place) ?? new Keys(place)
        scopes.set(place, scope)
        return scope.next(own, given)
      })
      expect(new Set(keys).size).toBe(keys.length)
    }),
  )
})

test('occurrences are counted by name, so what has another name moves no key (K1)', () => {
  const [plain, mixed] = [new Keys(''), new Keys('')]
  const expected = [plain.next('a'), plain.next('a')]
  const first = mixed.next('a')
  mixed.next('b')
  expect([first, mixed.next('a')]).toEqual(expected)
  expect(expected).toEqual(['a', 'a#2'])
})

test('dice are spread: means and bits of many draws are near what they should be', () => {
  const draws = Array.from({ length: 20_000 }, (_, index) => fraction(diceOf(`task ${index}`, '')))
  const mean = draws.reduce((sum, drawn) => sum + drawn, 0) / draws.length
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02)
  const one = diceOf('a task', '')
  const tenths = new Array<number>(10).fill(0)
  for (let draw = 0; draw < 20_000; draw++) {
    const tenth = Math.floor(fraction(one) * 10)
    tenths[tenth] = (tenths[tenth] ?? 0) + 1
  }
  expect(Math.min(...tenths)).toBeGreaterThan(1_800)
  expect(new Set(Array.from({ length: 20_000 }, (_, index) => uuidFrom(diceOf(`task ${index}`, 'x')))).size).toBe(20_000)
})

test('bytes are counted as UTF-8 has them', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\ud800', '\udc00') }), (text) => {
      expect(textBytes(text)).toBe(Buffer.byteLength(text))
    }),
  )
})

test('a promise tells once that somebody waits, in each way one can wait', async () => {
  const heard: string[] = []
  const ways: Readonly<Record<string, (promise: Awaitable<number>) => PromiseLike<unknown>>> = {
    then: (promise) => promise.then(),
    catch: (promise) => promise.catch(() => 0),
    finally: (promise) => promise.finally(() => undefined),
    await: async (promise) => await promise,
    all: (promise) => Promise.all([promise, promise]),
  }
  for (const [name, wait] of Object.entries(ways)) {
    const promise = new Awaitable<number>(() => heard.push(name))
    const waiting = wait(promise)
    promise.resolve(1)
    await waiting
  }
  expect(heard).toEqual(Object.keys(ways))
})

test('a promise is settled once, and its rejection is nobody’s fault (W1, W2)', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): unknown => unhandled.push(reason)
  process.on('unhandledRejection', note)
  const ignored = new Awaitable<number>(() => undefined)
  ignored.reject(new Error('nobody hears'))
  const settled = new Awaitable<number>(() => undefined)
  settled.resolve(1)
  settled.reject(new Error('too late'))
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
  expect(await settled).toBe(1)
})

test('turns are taken one at a time, in order, and what follows a turn is nobody’s (B1, B2)', () => {
  const rests: (() => void)[] = []
  const baton = new Baton({ rest: (callback) => rests.push(callback) })
  const [one, two] = [{}, {}]
  const log: unknown[] = []
  baton.take(
    one,
    () => log.push(['act', baton.holder === one]),
    () => {
      log.push(['after', baton.holder])
      baton.take(
        one,
        () => log.push('again'),
        () => undefined,
      )
    },
  )
  baton.take(
    two,
    () => log.push(['other', baton.holder === two]),
    () => undefined,
  )
  expect(log).toEqual([['act', true]])
  while (rests.length > 0) rests.shift()?.()
  expect(log).toEqual([['act', true], ['after', undefined], ['other', true], 'again'])
  expect(baton.holder).toBeUndefined()
})

test('inside a step, and a step within it, the baton knows which', () => {
  const baton = new Baton({ rest: () => undefined })
  const seen = [baton.step]
  baton.inside('outer', () => {
    baton.inside('inner', () => seen.push(baton.step))
    seen.push(baton.step)
  })
  expect([...seen, baton.step]).toEqual([undefined, 'inner', 'outer', undefined])
})

test('each entry speaks of a kind of operation, and is the function’s own or comes from outside', () => {
  const outcome = { type: 'cancelled' } as const
  const entries: readonly (readonly [KeyedEntry, string, boolean])[] = [
    [{ type: 'effect.recorded', kind: 'send', key: 'k', outcome }, 'send', true],
    [{ type: 'timer.started', kind: 'signal', key: 'k', dueAt: 1 }, 'signal', true],
    [{ type: 'timer.fired', kind: 'timer', key: 'k' }, 'timer', false],
    [{ type: 'timer.cancelled', kind: 'timer', key: 'k' }, 'timer', true],
    [{ type: 'call.started', key: 'k', target: 't' }, 'call', true],
    [{ type: 'call.ended', key: 'k', outcome }, 'call', false],
    [{ type: 'child.started', key: 'k', target: 't' }, 'child', true],
    [{ type: 'child.ended', key: 'k', outcome }, 'child', false],
  ]
  expect(entries.map(([entry]) => [kindOf(entry), isOwn(entry)])).toEqual(entries.map(([, kind, own]) => [kind, own]))
})
