/** The `signal` of a submission: its payload stays the text its sender wrote. */
import { JSON_NULL, type JsonText, LIMITS, sliceMembers } from '@tasker/core'
import type { GivenSignal } from '../../engine/api.js'
import { Fault } from '../../faults.js'
import { plainText } from '../schema/fields.js'
import { invalidMember } from '../validation.js'

export const SIGNAL_TOO_LARGE = 'SIGNAL_TOO_LARGE'

/** Throws for unknown members, a name that is none, and a payload above its limit. */
export const signalIn = (text: JsonText): GivenSignal => {
  const members = sliceMembers(text)
  for (const name of members.keys())
    if (name !== 'name' && name !== 'payload')
      throw invalidMember('UNKNOWN_FIELD', `/signal/${name}`, `signal has no member ${name}`)
  const name = plainText().safeParse(parsed(members.get('name')))
  if (!name.success)
    throw invalidMember('OUT_OF_RANGE', '/signal/name', `a signal has a name of 1 to ${LIMITS.nameCharsMax} characters`)
  const payload = members.get('payload') ?? JSON_NULL
  if (Buffer.byteLength(payload) > LIMITS.signalBytesMax) throw tooLarge()
  return { name: name.data, payload }
}

const parsed = (json: JsonText | undefined): unknown => (json === undefined ? undefined : JSON.parse(json))

const tooLarge = (): Fault => {
  const message = `The payload of the signal has more than ${LIMITS.signalBytesMax} bytes, which is the limit.`
  return new Fault({
    code: 'TOO_LARGE',
    reason: SIGNAL_TOO_LARGE,
    message,
    errors: [{ code: SIGNAL_TOO_LARGE, message, path: '/signal/payload' }],
  })
}
