// When a step that runs in a function is tried again, and after what delay.
import { failureOf } from '@tasker/sdk/internal/errors/failure'
import { delayAfter, policyOf, retryAllowed } from '@tasker/sdk/internal/runner/retry'
import { expect, test } from 'vitest'

const passing = failureOf('BUSY', 'busy', true)
const delays = (backoff: 'none' | 'linear' | 'exponential' | 'fibonacci'): readonly number[] =>
  [1, 2, 3, 4, 5, 6].map((attempt) =>
    delayAfter(policyOf({ backoff, backoffBase: '1s', maxBackoff: '7s', jitter: 0 }), attempt, 0.5, passing),
  )

test('delays grow as the policy says, and no further than its bound', () => {
  expect(delays('none')).toEqual([0, 0, 0, 0, 0, 0])
  expect(delays('linear')).toEqual([1_000, 2_000, 3_000, 4_000, 5_000, 6_000])
  expect(delays('exponential')).toEqual([1_000, 2_000, 4_000, 7_000, 7_000, 7_000])
  expect(delays('fibonacci')).toEqual([1_000, 1_000, 2_000, 3_000, 5_000, 7_000])
})

test('a delay is drawn within its jitter, and a failure may ask for more', () => {
  const policy = policyOf({ backoffBase: '1s', jitter: 0.2 })
  expect([0, 0.5, 1].map((draw) => delayAfter(policy, 1, draw, passing))).toEqual([800, 1_000, 1_200])
  expect(delayAfter(policy, 1, 0.5, { ...passing, retryAfterMs: 60_000 })).toBe(60_000)
})

test('what is not said is as in templates: three attempts, but none after what no attempt would cure', () => {
  const policy = policyOf()
  expect([1, 2, 3].map((attempt) => retryAllowed(policy, attempt, passing))).toEqual([true, true, false])
  expect(retryAllowed(policy, 1, { ...passing, retryable: false })).toBe(false)
  expect(retryAllowed(policyOf({ nonRetryableErrors: ['BUSY'] }), 1, passing)).toBe(false)
  expect(retryAllowed(policyOf({ nonRetryableErrors: ['RetryableError'] }), 1, passing)).toBe(false)
  expect(retryAllowed(policyOf({ retryable: false }), 1, passing)).toBe(false)
})
