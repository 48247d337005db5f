/** A signal as the wire carries it. */
import type { Signal } from '@tasker/proto'
import { givenText } from '../durable/outcome.js'
import { LIMITS } from '../limits.js'
import { jsonPayload } from '../step/payload.js'

/** Throws for a payload that is no JSON or too large. */
export const signalOf = (name: string, payload: unknown): Signal => ({
  name,
  payload: jsonPayload(Buffer.from(givenText(payload, `the signal ${name}`, LIMITS.signalBytesMax))),
})
