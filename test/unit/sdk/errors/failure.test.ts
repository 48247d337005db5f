// Whatever a handler throws becomes one clear failure.
import { CancelledError, PermanentError, RetryableError, TaskerError } from '@tasker/sdk'
import { fromUnknown, isAbort } from '@tasker/sdk/internal/errors/failure'
import { expect, test } from 'vitest'

test('an error of any class is retryable and keeps its class, code and stack', () => {
  const error = Object.assign(new TypeError('no such field'), { code: 'E_FIELD' })
  const failure = fromUnknown(error)
  expect(failure).toMatchObject({
    message: 'no such field',
    errorType: 'TypeError',
    code: 'E_FIELD',
    retryable: true,
    retryAfterMs: 0,
  })
  expect(failure.stack).toContain('failure.test')
})

test('a RetryableError carries the delay it asks for, as milliseconds or as a text', () => {
  expect(fromUnknown(new RetryableError('busy', { retryAfter: '30s' })).retryAfterMs).toBe(30_000)
  expect(fromUnknown(new RetryableError('busy', { retryAfter: 250, code: 'BUSY' }))).toMatchObject({
    retryAfterMs: 250,
    code: 'BUSY',
  })
})

test('a PermanentError is not retried', () => {
  expect(fromUnknown(new PermanentError('card refused'))).toMatchObject({ errorType: 'PermanentError', retryable: false })
})

test('what is no error is told as what it was, and is retryable', () => {
  const told = (thrown: unknown) => fromUnknown(thrown)
  expect(told('out of paper')).toMatchObject({ errorType: 'NonError', code: 'HANDLER_THREW_NON_ERROR', retryable: true })
  expect(told('out of paper').message).toContain('"out of paper"')
  expect(told(undefined).message).toContain('undefined')
  expect(told(null).message).toContain('null')
  expect(told({ status: 500 }).message).toContain('{"status":500}')
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  expect(told(cyclic).message).toContain('cannot be written')
  expect(told(1n).message).toContain('bigint')
})

test('a refusal of an input is permanent, another error of the server is not', () => {
  const refusal = new TaskerError({ code: 'INVALID_INPUT', reason: 'INPUT_SCHEMA_VIOLATION', message: 'does not fit' })
  expect(fromUnknown(refusal)).toMatchObject({ code: 'INPUT_SCHEMA_VIOLATION', retryable: false })
  expect(fromUnknown(new TaskerError({ code: 'UNAVAILABLE', reason: 'NO_ANSWER', message: 'gone' })).retryable).toBe(true)
})

test('a long message and a long stack are cut', () => {
  const error = new Error('x'.repeat(100_000))
  error.stack = 'y'.repeat(100_000)
  const failure = fromUnknown(error)
  expect(failure.message).toHaveLength(8 * 1024)
  expect(failure.stack).toHaveLength(16 * 1024)
})

test('a class that did not set its name is told by its constructor', () => {
  class OutOfStockError extends Error {}
  expect(fromUnknown(new OutOfStockError('none left')).errorType).toBe('OutOfStockError')
})

test('an aborted wait is told from a failure', () => {
  expect(isAbort(new CancelledError())).toBe(true)
  expect(isAbort(new DOMException('stopped', 'AbortError'))).toBe(true)
  expect(isAbort(new Error('AbortError'))).toBe(false)
  expect(isAbort('AbortError')).toBe(false)
})

test('an error that cannot be looked at is still one failure, and no abort', () => {
  const refuse = (): never => {
    throw new Error('no')
  }
  const hostile: readonly unknown[] = [
    new Proxy(new Error('hidden'), { get: refuse }),
    new Proxy({}, { getPrototypeOf: refuse }),
    Object.defineProperty(new Error('hidden'), 'name', { get: refuse }),
    Object.assign(new Error('rootless'), { constructor: undefined, name: '' }),
  ]
  for (const thrown of hostile) {
    expect(fromUnknown(thrown)).toMatchObject({ retryable: true })
    expect(fromUnknown(thrown).message).not.toBe('')
    expect(isAbort(thrown)).toBe(false)
  }
})
