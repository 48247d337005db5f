/** The wall between payloads of the wire and values of the user's types. */
import type { Payload } from '@tasker/proto'
import { PermanentError } from '../errors/handler-errors.js'

/** `json/plain`, the encoding without a label. */
export const jsonPayload = (data: Buffer): Payload => ({ encoding: '', data })

/**
 * The payload as a value of the type its definition promises; nothing means an empty object.
 * The type is the word of whoever wrote the value: a schema, where there is one, checks it next.
 */
export const payloadValue = <T>(payload: Payload | undefined): T => {
  if (payload === undefined || payload.data.length === 0) return {} as T
  if (payload.encoding === '' || payload.encoding === 'json/plain') return JSON.parse(payload.data.toString('utf8')) as T
  throw new PermanentError(`a payload has the encoding ${payload.encoding}, which this library cannot read`, {
    code: 'UNKNOWN_ENCODING',
  })
}
