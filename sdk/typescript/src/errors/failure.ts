/** The one funnel from whatever a handler threw to the failure that is reported. */
import { LIMITS } from '../limits.js'
import { CancelledError, PermanentError, RetryableError } from './handler-errors.js'
import { TaskerError } from './tasker-error.js'

/** Why an attempt did not succeed, in the words of the protocol. */
export interface Failure {
  readonly message: string
  /** The error's class, such as `PermanentError`. */
  readonly errorType: string
  /** A stable code; empty when there is none. */
  readonly code: string
  /** Whether another attempt may help; the policy still decides. */
  readonly retryable: boolean
  /** The least delay asked for; 0 when none. */
  readonly retryAfterMs: number
  readonly stack: string
}

/** Never throws, whatever was thrown: errors may have getters and traps of their own. */
export const fromUnknown = (thrown: unknown): Failure => {
  try {
    return failureFor(thrown)
  } catch {
    return {
      message: 'the handler threw what cannot be looked at',
      errorType: 'NonError',
      code: 'HANDLER_THREW_NON_ERROR',
      retryable: true,
      retryAfterMs: 0,
      stack: '',
    }
  }
}

const failureFor = (thrown: unknown): Failure => {
  if (thrown instanceof RetryableError) return ofError(thrown, true, thrown.retryAfterMs ?? 0)
  if (thrown instanceof PermanentError) return ofError(thrown, false, 0)
  if (thrown instanceof TaskerError) return ofTaskerError(thrown)
  if (thrown instanceof Error) return ofError(thrown, true, 0)
  return {
    message: cut(`the handler threw ${described(thrown)} instead of an Error`, LIMITS.failureMessageCharsMax),
    errorType: 'NonError',
    code: 'HANDLER_THREW_NON_ERROR',
    retryable: true,
    retryAfterMs: 0,
    stack: '',
  }
}

/** Whether a handler ended because its signal was aborted. Never throws. */
export const isAbort = (thrown: unknown): boolean => {
  try {
    return thrown instanceof CancelledError || (thrown instanceof Error && thrown.name === 'AbortError')
  } catch {
    return false
  }
}

/** A failure that the SDK reports by itself. */
export const failureOf = (code: string, message: string, retryable: boolean): Failure => ({
  message: cut(message, LIMITS.failureMessageCharsMax),
  errorType: retryable ? 'RetryableError' : 'PermanentError',
  code,
  retryable,
  retryAfterMs: 0,
  stack: '',
})

const ofError = (error: Error, retryable: boolean, retryAfterMs: number): Failure => ({
  message: cut(textOf(error.message), LIMITS.failureMessageCharsMax),
  errorType: typeName(error),
  code: codeOf(error),
  retryable,
  retryAfterMs,
  stack: cut(textOf(error.stack), LIMITS.failureStackCharsMax),
})

// An input that does not fit will not fit next time; everything else of the server may be different by then.
const ofTaskerError = (error: TaskerError): Failure => {
  const failure = ofError(error, error.code !== 'INVALID_INPUT' && error.code !== 'TOO_LARGE', 0)
  return { ...failure, code: error.reason }
}

// A subclass that did not set `name` is still told by its class.
const typeName = (error: Error): string => {
  const name = textOf(error.name)
  if (name !== '' && name !== 'Error') return name
  return error.constructor.name === '' ? 'Error' : error.constructor.name
}

const codeOf = (error: Error): string => {
  const code: unknown = 'code' in error ? error.code : ''
  return typeof code === 'string' || typeof code === 'number' ? String(code) : ''
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const described = (thrown: unknown): string => {
  if (thrown === undefined || thrown === null) return String(thrown)
  if (typeof thrown === 'string') return `the string ${JSON.stringify(thrown)}`
  if (typeof thrown !== 'object') return `a ${typeof thrown}`
  try {
    return `the object ${JSON.stringify(thrown)}`
  } catch {
    return 'an object that cannot be written as JSON'
  }
}

const cut = (text: string, charsMax: number): string => (text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text)
