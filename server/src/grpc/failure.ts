/** Failures between the wire and the engine; what a handler says of itself is cut to its bounds, never refused. */
import { LIMITS, durationMs, type Failure } from '@tasker/core'
import type { StepFailure } from '@tasker/proto'

/** The class that is recorded when the worker named none. */
const ERROR_TYPE_DEFAULT = 'Error'

export const failureFrom = (failure: StepFailure): Failure => ({
  message: cut(failure.message, LIMITS.failureMessageCharsMax),
  errorType: failure.errorType === '' ? ERROR_TYPE_DEFAULT : cut(failure.errorType, LIMITS.nameCharsMax),
  retryable: failure.retryable,
  ...(failure.code === '' ? {} : { code: cut(failure.code, LIMITS.nameCharsMax) }),
  ...(failure.retryAfterMs === 0 ? {} : { retryAfterMs: durationMs(Math.min(failure.retryAfterMs, LIMITS.retryDelayMsMax)) }),
  ...(failure.stack === '' ? {} : { stack: cut(failure.stack, LIMITS.failureStackCharsMax) }),
})

export const stepFailure = (failure: Failure): StepFailure => ({
  message: failure.message,
  errorType: failure.errorType,
  code: failure.code ?? '',
  retryable: failure.retryable,
  retryAfterMs: failure.retryAfterMs ?? 0,
  stack: failure.stack ?? '',
})

/** The first `charsMax` characters; a surrogate pair is not cut in two. */
export const cut = (text: string, charsMax: number): string => {
  if (text.length <= charsMax) return text
  const last = text.charCodeAt(charsMax - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? charsMax - 1 : charsMax)
}
