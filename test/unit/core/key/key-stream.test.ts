/** Keys: K1 to K4 of `core/src/key/decide.ts`. */
import {
  durationMs,
  instant,
  type KeyCommand,
  type KeyEvent,
  type KeyReleaseReason,
  keyStream,
  type KeyState,
  NO_KEY,
  type PlaceRef,
  stepId,
  taskIdFrom,
} from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const attempt = (n: number, number = 1): PlaceRef => ({
  taskId: taskIdFrom(n, new Uint8Array(10)),
  step: stepId('a'),
  attempt: number,
})

const grant = (n: number, limit: number, perMs?: number): KeyCommand => ({
  type: 'grant',
  at: instant(n),
  attempt: attempt(n),
  limit,
  perMs: perMs === undefined ? undefined : durationMs(perMs),
})

const giveBack = (n: number, reason: KeyReleaseReason = 'attempt_ended'): KeyCommand => ({
  type: 'give_back',
  at: instant(n),
  attempt: attempt(n),
  reason,
})

const after = (...commands: readonly KeyCommand[]): KeyState =>
  commands.reduce<KeyState>((state, command) => {
    const decision = keyStream.decide(state, command)
    if (decision.type === 'refused') return state
    return decision.events.reduce((folded, event) => keyStream.evolve(folded, event, command.at), state)
  }, NO_KEY)

const eventsOf = (state: KeyState, command: KeyCommand): readonly KeyEvent[] | 'full' => {
  const decision = keyStream.decide(state, command)
  return decision.type === 'refused' ? decision.refusal.type : decision.events
}

test('a place is given while there is one, and not when all are taken (K1)', () => {
  const one = after(grant(1, 2))
  expect(eventsOf(one, grant(2, 2))).toEqual([{ type: 'key.granted', ...attempt(2), limit: 2 }])
  expect(eventsOf(after(grant(1, 2), grant(2, 2)), grant(3, 2))).toBe('full')
})

test('a place of a rate says how long it is taken after the start', () => {
  expect(eventsOf(NO_KEY, grant(1, 1, 5_000))).toEqual([{ type: 'key.granted', ...attempt(1), limit: 1, perMs: 5_000 }])
  expect([...after(grant(1, 1, 5_000)).places.values()]).toEqual([{ ...attempt(1), grantedAt: 1, perMs: 5_000 }])
})

test('an attempt that asks again gets no second place (K2)', () => {
  expect(eventsOf(after(grant(1, 5)), grant(1, 5))).toEqual([])
})

test('a place that is given back is free, once (K3)', () => {
  const held = after(grant(1, 1))
  expect(eventsOf(held, giveBack(1, 'not_held'))).toEqual([{ type: 'key.released', ...attempt(1), reason: 'not_held' }])
  const free = after(grant(1, 1), giveBack(1))
  expect(eventsOf(free, giveBack(1))).toEqual([])
  expect(eventsOf(free, grant(2, 1))).toHaveLength(1)
})

test('each step keeps to its own limit, and a lower one takes no place away (K4)', () => {
  const three = after(grant(1, 3), grant(2, 3), grant(3, 3))
  expect(eventsOf(three, grant(4, 2))).toBe('full')
  expect(eventsOf(after(grant(1, 3), grant(2, 3)), grant(4, 2))).toBe('full')
  expect(eventsOf(after(grant(1, 3)), grant(4, 2))).toHaveLength(1)
  expect(three.places.size).toBe(3)
})

test('an event that would give more places than there are, or take one from nobody, is a bug', () => {
  const full = after(grant(1, 1))
  const more: KeyEvent = { type: 'key.granted', ...attempt(2), limit: 1 }
  expect(() => keyStream.evolve(full, more, instant(2))).toThrow('1 places has 1 holders')
  expect(() => keyStream.evolve(full, { ...more, ...attempt(1) }, instant(2))).toThrow('given twice')
  expect(() => keyStream.evolve(NO_KEY, { type: 'key.released', ...attempt(1), reason: 'not_held' }, instant(2))).toThrow(
    'does not have it',
  )
})

test('whatever is asked and given back in whatever order, there are never more holders than the limit', () => {
  const command = fc
    .record({ n: fc.nat(12), limit: fc.integer({ min: 1, max: 4 }), back: fc.boolean() })
    .map(({ n, limit, back }) => (back ? giveBack(n) : grant(n, limit)))
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      let state = NO_KEY
      for (const one of commands) {
        const before = state
        const events = eventsOf(state, one)
        if (events === 'full') expect(one.type === 'grant' && before.places.size >= one.limit).toBe(true)
        else for (const event of events) state = keyStream.evolve(state, event, one.at)
        if (one.type === 'grant' && state !== before) expect(state.places.size).toBeLessThanOrEqual(one.limit)
      }
    }),
  )
})
