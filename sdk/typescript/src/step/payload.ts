/** The wall between payloads of the wire and values of the user's types. */
import type { Payload } from '@tasker/proto'
import { PermanentError } from '../errors/handler-errors.js'
import type { JsonValue } from './json.js'

/** `json/plain`, the encoding without a label. */
export const jsonPayload = (data: Buffer): Payload => ({ encoding: '', data })

/** The payload as a value; nothing means an empty object. What the value is, its schema or its definition says. */
export const payloadValue = (payload: Payload | undefined): unknown =>
  payload === undefined || payload.data.length === 0 ? {} : jsonValue(payload)

export const jsonValue = (payload: Payload): JsonValue => {
  if (payload.encoding !== '' && payload.encoding !== 'json/plain') {
    throw new PermanentError(`a payload has the encoding ${payload.encoding}, which this library cannot read`, {
      code: 'UNKNOWN_ENCODING',
    })
  }
  return JSON.parse(payload.data.toString('utf8')) as JsonValue
}
