// Functions that are suspended and stay in memory for a while: K1 to K3.
import { defineFunction } from '@tasker/sdk'
import { KeptFunctions } from '@tasker/sdk/internal/runner/kept-functions'
import { LiveFunction } from '@tasker/sdk/internal/runner/live-function'
import { expect, test } from 'vitest'
import { virtualClock } from '../virtual-clock.js'

const definition = defineFunction('f', { namespace: 'shop', version: '1.0.0' }, (ctx) => ctx.waitForSignal('go'))
const holder = { rests: () => undefined, ended: () => undefined, diverged: () => undefined }

/** Takes as many bytes as its input has. */
const functionOf = (taskId: string, bytes = 100): LiveFunction =>
  new LiveFunction(definition, { taskId, life: 1, input: JSON.stringify('x'.repeat(bytes - 2)), beganAtMs: 0 }, [], holder)

test('K1: together they have no more bytes than the bound, and whoever waits longest goes first', () => {
  const kept = new KeptFunctions(250, 10_000, virtualClock())
  const [a, b, c] = ['a', 'b', 'c'].map((id) => functionOf(id))
  for (const live of [a, b, c]) if (live !== undefined) kept.keep(live)
  expect(kept.size).toBe(2)
  expect(kept.take('a', 1, 0)).toBeUndefined()
  expect(kept.take('b', 1, 0)).toBe(b)
  expect(kept.wouldKeep(functionOf('d', 251))).toBe(false)
  kept.keep(functionOf('e', 150))
  expect(kept.take('c', 1, 0)).toBe(c)
})

test('K2: what nobody wanted for a while is gone', () => {
  const clock = virtualClock()
  const kept = new KeptFunctions(1_000, 10_000, clock)
  kept.keep(functionOf('a'))
  clock.advance(6_000)
  kept.keep(functionOf('b'))
  clock.advance(4_000)
  kept.sweep(clock.nowMs())
  expect([kept.size, kept.take('a', 1, 0)]).toEqual([1, undefined])
})

test('K3: a function of another life, or that has less of its journal, is not what is wanted', () => {
  const kept = new KeptFunctions(1_000, 10_000, virtualClock())
  kept.keep(functionOf('a'))
  expect(kept.take('a', 2, 0)).toBeUndefined()
  kept.keep(functionOf('a'))
  expect(kept.take('a', 1, 1)).toBeUndefined()
  expect(kept.size).toBe(0)
})
