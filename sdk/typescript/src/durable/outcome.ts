/** How operations end: what is recorded of it, and what the function sees. */
import { failureOf, fromUnknown, type Failure } from '../errors/failure.js'
import { CancelledError } from '../errors/handler-errors.js'
import { LIMITS } from '../limits.js'
import { jsonOf } from '../step/json.js'
import type { Outcome } from './entries.js'
import { refused } from './misuse.js'
import { textBytes } from './text-bytes.js'

/** An operation of a durable function failed for good. It is the same error on every replay. */
export class OperationFailedError extends Error {
  override readonly name = 'OperationFailedError'
  /** The code of what failed; empty when it had none. */
  readonly code: string
  /** The key of the operation in the journal. */
  readonly operation: string
  readonly failure: Failure

  constructor(operation: string, failure: Failure) {
    super(failure.message)
    this.operation = operation
    this.failure = failure
    this.code = failure.code
  }
}

type Settled = Exclude<Outcome, { readonly type: 'cancelled' }>

/** What is recorded of a value that a step, or a function, gave. */
export const succeeded = (value: unknown, what: string, bytesMax: number = LIMITS.resultBytesMax): Settled => {
  const json = jsonOf(value)
  if (json.type === 'unserializable') {
    const { path, what: found } = json.problem
    const place = path === '' ? 'it is' : `at ${path} is`
    return failed(
      failureOf('RESULT_NOT_SERIALIZABLE', `the result of ${what} cannot be written as JSON: ${place} ${found}`, false),
    )
  }
  const bytes = textBytes(json.text)
  if (bytes <= bytesMax) return { type: 'succeeded', result: json.text }
  const message = `the result of ${what} has ${bytes} bytes, and ${bytesMax} are allowed`
  return failed(failureOf('RESULT_TOO_LARGE', message, false))
}

/** A failure that a function lets through is told as it was recorded. */
export const failureOfThrown = (error: unknown): Failure =>
  error instanceof OperationFailedError ? error.failure : fromUnknown(error)

const failed = (failure: Failure): Settled => ({ type: 'failed', failure })

/** What the function sees instead of a result. */
export const errorOf = (key: string, outcome: Exclude<Outcome, { readonly type: 'succeeded' }>): Error =>
  outcome.type === 'cancelled' ? new CancelledError(`${key} was cancelled`) : new OperationFailedError(key, outcome.failure)

/** What is handed to an operation, as JSON text. Throws for what JSON cannot hold, and for too much of it. */
export const givenText = (value: unknown, what: string, bytesMax: number): string => {
  const json = jsonOf(value)
  if (json.type === 'unserializable') {
    const { path, what: found } = json.problem
    throw refused('INPUT_NOT_SERIALIZABLE', `what ${what} is given cannot be written as JSON: ${path || 'the whole'} is ${found}`)
  }
  const bytes = textBytes(json.text)
  if (bytes <= bytesMax) return json.text
  throw refused('OPERATION_INPUT_TOO_LARGE', `what ${what} is given has ${bytes} bytes, and ${bytesMax} are allowed`)
}
