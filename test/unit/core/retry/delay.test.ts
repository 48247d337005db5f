/** Delays between attempts: the contract's growth, cap, jitter and the server's own wish. */
import { DEFAULT_RETRY_POLICY, LIMITS, delayBefore, durationMs, type Backoff, type RetryPolicy } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const policy = (backoff: Backoff, more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  ...DEFAULT_RETRY_POLICY,
  backoff,
  baseMs: durationMs(100),
  maxDelayMs: durationMs(1_000_000),
  jitter: 0,
  ...more,
})

const firstSix = (backoff: Backoff) => [1, 2, 3, 4, 5, 6].map((n) => delayBefore(policy(backoff), n, 0.5))

test('no backoff means at once', () => {
  expect(firstSix('none')).toEqual([0, 0, 0, 0, 0, 0])
})

test('linear delays grow by the base', () => {
  expect(firstSix('linear')).toEqual([100, 200, 300, 400, 500, 600])
})

test('exponential delays double', () => {
  expect(firstSix('exponential')).toEqual([100, 200, 400, 800, 1_600, 3_200])
})

test('fibonacci delays are the sum of the two before', () => {
  expect(firstSix('fibonacci')).toEqual([100, 100, 200, 300, 500, 800])
})

test('the cap comes before the jitter', () => {
  const capped = policy('exponential', { maxDelayMs: durationMs(300), jitter: 0.15 })
  expect(delayBefore(capped, 5, 0)).toBe(255)
  expect(delayBefore(capped, 5, 0.5)).toBe(300)
  expect(delayBefore(capped, 5, 0.999999)).toBe(345)
})

test('a delay the failing side asked for counts when it is longer, also above the cap of the policy', () => {
  const capped = policy('linear', { maxDelayMs: durationMs(150) })
  expect(delayBefore(capped, 1, 0.5, durationMs(99))).toBe(100)
  expect(delayBefore(capped, 9, 0.5, durationMs(5_000))).toBe(5_000)
  expect(delayBefore(policy('none'), 1, 0.5, durationMs(5_000))).toBe(5_000)
  expect(delayBefore(capped, 1, 0.5, durationMs(1e15))).toBe(LIMITS.retryDelayMsMax)
})

test('no policy and no number of attempts gives a delay outside its bounds', () => {
  fc.assert(
    fc.property(
      fc.record({
        backoff: fc.constantFrom<Backoff>('none', 'linear', 'exponential', 'fibonacci'),
        baseMs: fc.integer({ min: 0, max: LIMITS.retryDelayMsMax }).map(durationMs),
        maxDelayMs: fc.integer({ min: 0, max: LIMITS.retryDelayMsMax * 10 }).map(durationMs),
        jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (shape, n, draw) => {
        const drawn = delayBefore({ ...DEFAULT_RETRY_POLICY, ...shape }, n, draw)
        const cap = Math.min(shape.maxDelayMs, LIMITS.retryDelayMsMax)
        expect(Number.isSafeInteger(drawn)).toBe(true)
        expect(drawn).toBeGreaterThanOrEqual(0)
        expect(drawn).toBeLessThanOrEqual(Math.ceil(cap * (1 + shape.jitter)))
      },
    ),
  )
})

test('the thousandth delay of every growing backoff is the cap', () => {
  for (const backoff of ['linear', 'exponential', 'fibonacci'] as const) {
    const steep = policy(backoff, { baseMs: LIMITS.retryDelayMsMax, maxDelayMs: LIMITS.retryDelayMsMax })
    expect(delayBefore(steep, 1_000, 0.5)).toBe(LIMITS.retryDelayMsMax)
  }
})
