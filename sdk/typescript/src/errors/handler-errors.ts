/** What a handler throws to say more than "it failed". */
import { durationMs, type Duration } from '../duration.js'

export interface HandlerErrorOptions {
  /** A stable code that people and `non_retryable_errors` can name. */
  readonly code?: string
  readonly cause?: unknown
}

export interface RetryableErrorOptions extends HandlerErrorOptions {
  /** The least delay before the next attempt: milliseconds or a text such as `'30s'`. */
  readonly retryAfter?: Duration
}

const causeOf = (options: HandlerErrorOptions): ErrorOptions | undefined =>
  options.cause === undefined ? undefined : { cause: options.cause }

/** Another attempt may help; the step's retry policy decides whether there is one. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError'
  readonly code: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: RetryableErrorOptions = {}) {
    super(message, causeOf(options))
    this.code = options.code
    this.retryAfterMs = options.retryAfter === undefined ? undefined : durationMs(options.retryAfter)
  }
}

/** No attempt will help: the step fails at once and its task waits for a person. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError'
  readonly code: string | undefined

  constructor(message: string, options: HandlerErrorOptions = {}) {
    super(message, causeOf(options))
    this.code = options.code
  }
}

/** The handler stopped because it was asked to; the reason of an aborted `signal`. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError'
  readonly code: string | undefined

  constructor(message = 'the attempt was cancelled', options: HandlerErrorOptions = {}) {
    super(message, causeOf(options))
    this.code = options.code
  }
}
