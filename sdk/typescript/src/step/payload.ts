/** The wall between payloads of the wire and values of the user's types. */
import type { Payload } from '@tasker/proto'
import { PermanentError } from '../errors/handler-errors.js'

/** `json/plain`, the encoding without a label. */
export const jsonPayload = (data: Buffer): Payload => ({ encoding: '', data })

/** The payload as a value; nothing means an empty object. What the value is, its schema or its definition says. */
export const payloadValue = (payload: Payload | undefined): unknown => {
  if (payload === undefined || payload.data.length === 0) return {}
  if (payload.encoding === '' || payload.encoding === 'json/plain') return JSON.parse(payload.data.toString('utf8'))
  throw new PermanentError(`a payload has the encoding ${payload.encoding}, which this library cannot read`, {
    code: 'UNKNOWN_ENCODING',
  })
}
