/** The values in what runs of durable functions hand in, and why a record cannot be read. */
import { JSON_NULL, type JsonText } from '@tasker/core'
import type { Payload } from '@tasker/proto'
import type { FaultDetail } from '../faults.js'
import { readPayload } from './payload.js'

/** Why a record cannot be read. */
export class Unreadable extends Error {
  readonly detail: FaultDetail

  constructor(reason: string, message: string) {
    super(message)
    this.detail = { code: 'INVALID_INPUT', reason, message, retryable: false }
  }
}

const REASONS = { too_large: 'RECORD_TOO_LARGE', encoding: 'ENCODING_NOT_SUPPORTED', not_json: 'RECORD_NOT_READ' } as const

/** A value that is not given is null. Throws `Unreadable`. */
export const jsonFrom = (payload: Payload | undefined, bytesMax: number, what: string): JsonText => {
  if (payload === undefined) return JSON_NULL
  const read = readPayload(payload, bytesMax, what)
  if (read.type === 'json') return read.text
  throw new Unreadable(REASONS[read.type], read.type === 'not_json' ? read.problem.message : read.message)
}
