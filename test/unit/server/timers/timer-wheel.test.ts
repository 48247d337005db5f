import { type Instant, instant } from '@tasker/core'
import { TimerWheel } from '@tasker/server/internal/timers/timer-wheel'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../../support/virtual-clock.js'

const timer = (dueAt: Instant, fire: () => void) => ({ dueAt, fire })

test('a timer fires at its instant, not before and not much later', async () => {
  const clock = new VirtualClock()
  const wheel = new TimerWheel(clock)
  const dueAt = instant(clock.now() + 2_000)
  let firedAt: Instant | undefined
  wheel.add(timer(dueAt, () => (firedAt = clock.now())))
  await clock.advance(1_999)
  expect(firedAt).toBeUndefined()
  await clock.advance(20)
  expect(firedAt).toBeGreaterThanOrEqual(dueAt)
  expect((firedAt ?? 0) - dueAt).toBeLessThan(16)
})

test('a timer that was removed does not fire', async () => {
  const clock = new VirtualClock()
  const wheel = new TimerWheel(clock)
  let fired = 0
  const kept = timer(instant(clock.now() + 100), () => fired++)
  const removed = timer(instant(clock.now() + 100), () => (fired += 100))
  wheel.add(kept)
  wheel.add(removed)
  wheel.remove(removed)
  await clock.advance(500)
  expect(fired).toBe(1)
})

test('a jump of the wall clock forward is noticed within a second', async () => {
  const clock = new VirtualClock()
  const wheel = new TimerWheel(clock)
  let fired = false
  wheel.add(timer(instant(clock.now() + 3_600_000), () => (fired = true)))
  clock.jumpWall(3_600_000)
  await clock.advance(1_001)
  expect(fired).toBe(true)
})

test('a jump of the wall clock back delays a timer, and loses none', async () => {
  const clock = new VirtualClock()
  const wheel = new TimerWheel(clock)
  let fired = false
  wheel.add(timer(instant(clock.now() + 1_000), () => (fired = true)))
  clock.jumpWall(-10_000)
  await clock.advance(5_000)
  expect(fired).toBe(false)
  await clock.advance(6_100)
  expect(fired).toBe(true)
})

test('however timers are added, each fires once and in order of its instant', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 60 }), async (delays) => {
      const clock = new VirtualClock()
      const wheel = new TimerWheel(clock)
      const fired: number[] = []
      for (const delay of delays) wheel.add(timer(instant(clock.now() + delay), () => fired.push(delay)))
      await clock.advance(6_000)
      expect(fired).toHaveLength(delays.length)
      const buckets = fired.map((delay) => Math.ceil((Date.UTC(2026, 0, 1) + delay) / 8))
      expect(buckets).toEqual([...buckets].sort((a, b) => a - b))
    }),
    { numRuns: 60 },
  )
})

test('a wheel that was stopped wakes nobody', async () => {
  const clock = new VirtualClock()
  const wheel = new TimerWheel(clock)
  let fired = false
  wheel.add(timer(instant(clock.now() + 10), () => (fired = true)))
  wheel.stop()
  await clock.advance(1_000)
  expect(fired).toBe(false)
  expect(clock.alarms).toBe(0)
})
