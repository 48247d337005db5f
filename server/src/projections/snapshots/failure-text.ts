/** A failure as a snapshot keeps it. */
import type { Failure } from '@tasker/core'
import { flag, number, optional, record, text } from './coder.js'

export const failure = record<Failure>('failure', {
  message: text(),
  errorType: text(),
  code: optional(text()),
  retryable: flag,
  retryAfterMs: optional(number()),
  stack: optional(text()),
})
