/** `completion_data` of a step that is completed by hand: its result and its metadata stay the text their sender wrote. */
import { JSON_NULL, type JsonText, LIMITS, sliceMembers } from '@tasker/core'
import { Fault } from '../../faults.js'
import { invalidMember } from '../validation.js'

export interface Completion {
  /** Null when none was given. */
  readonly result: JsonText
  readonly metadata: JsonText | undefined
}

/** Throws for unknown members, and for a result or metadata above the limit of results. */
export const completionOf = (data: JsonText | undefined): Completion => {
  if (data === undefined) return { result: JSON_NULL, metadata: undefined }
  const members = sliceMembers(data)
  for (const [name, value] of members) {
    if (name !== 'result' && name !== 'metadata')
      throw invalidMember('UNKNOWN_FIELD', `/completion_data/${name}`, `completion_data has no member ${name}`)
    if (Buffer.byteLength(value) > LIMITS.resultBytesMax) throw tooLarge(name)
  }
  return { result: members.get('result') ?? JSON_NULL, metadata: members.get('metadata') }
}

const tooLarge = (name: string): Fault => {
  const message = `The ${name} has more than ${LIMITS.resultBytesMax} bytes, which is the limit of results.`
  const path = `/completion_data/${name}`
  return new Fault({
    code: 'TOO_LARGE',
    reason: 'RESULT_TOO_LARGE',
    message,
    errors: [{ code: 'RESULT_TOO_LARGE', message, path }],
  })
}
