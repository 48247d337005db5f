/** Failures are cut to their bounds and never refused. */
import { LIMITS } from '@tasker/core'
import { cut, failureFrom, stepFailure } from '@tasker/server/internal/grpc/failure'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const wire = { message: 'broke', errorType: '', code: '', retryable: true, retryAfterMs: 0, stack: '' }

test('what is empty on the wire is not recorded, and an error without a class is an Error', () => {
  expect(failureFrom(wire)).toEqual({ message: 'broke', errorType: 'Error', retryable: true })
})

test('a failure with everything comes back as it went', () => {
  const whole = { message: 'm', errorType: 'T', code: 'C', retryable: false, retryAfterMs: 5, stack: 's' }
  expect(stepFailure(failureFrom(whole))).toEqual(whole)
})

test('long texts and far delays are cut to their limits', () => {
  const failure = failureFrom({
    message: 'm'.repeat(100_000),
    errorType: 't'.repeat(1_000),
    code: 'c'.repeat(1_000),
    retryable: true,
    retryAfterMs: Number.MAX_SAFE_INTEGER,
    stack: 's'.repeat(100_000),
  })
  expect(failure).toMatchObject({ retryAfterMs: LIMITS.retryDelayMsMax })
  expect([failure.message.length, failure.errorType.length, failure.code?.length, failure.stack?.length]).toEqual([
    LIMITS.failureMessageCharsMax,
    LIMITS.nameCharsMax,
    LIMITS.nameCharsMax,
    LIMITS.failureStackCharsMax,
  ])
})

describe('cut', () => {
  test('never leaves half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, charsMax) => {
        const short = cut(text, charsMax)
        expect(text.startsWith(short)).toBe(true)
        expect(short.length).toBeLessThanOrEqual(charsMax)
        expect(Buffer.from(short, 'utf8').toString('utf8')).toBe(short)
      }),
    )
  })

  test('keeps all that fits', () => {
    expect([cut('abc', 3), cut('abcd', 3), cut('ab😀', 3)]).toEqual(['abc', 'abc', 'ab'])
  })
})
