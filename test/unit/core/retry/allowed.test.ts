/** Whether another attempt is allowed. */
import { DEFAULT_RETRY_POLICY, LIMITS, attemptsAllowed, retryAllowed } from '@tasker/core'
import { expect, test } from 'vitest'
import { failure, permanently } from '../../../support/given.js'

test('a policy of three allows a retry after the first and the second attempt', () => {
  expect([1, 2, 3, 4].map((n) => retryAllowed(DEFAULT_RETRY_POLICY, n, failure()))).toEqual([true, true, false, false])
})

test('zero attempts behave as one, and none are above the limit', () => {
  expect(attemptsAllowed({ ...DEFAULT_RETRY_POLICY, maxAttempts: 0 })).toBe(1)
  expect(attemptsAllowed({ ...DEFAULT_RETRY_POLICY, maxAttempts: 1e9 })).toBe(LIMITS.retryAttemptsMax)
})

test('a permanent failure, a policy without retries and a named error allow none', () => {
  expect(retryAllowed(DEFAULT_RETRY_POLICY, 1, permanently)).toBe(false)
  expect(retryAllowed({ ...DEFAULT_RETRY_POLICY, retryable: false }, 1, failure())).toBe(false)
  const named = { ...DEFAULT_RETRY_POLICY, nonRetryableErrors: ['Declined'] }
  expect(retryAllowed(named, 1, failure('no', { errorType: 'Declined' }))).toBe(false)
  expect(retryAllowed(named, 1, failure('no', { code: 'Declined' }))).toBe(false)
  expect(retryAllowed(named, 1, failure('Declined'))).toBe(true)
})
