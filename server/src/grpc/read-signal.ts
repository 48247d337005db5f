/** The wall for signals: a name and one JSON value, or why not. */
import { JSON_NULL, LIMITS } from '@tasker/core'
import type { Signal } from '@tasker/proto'
import type { GivenSignal } from '../engine/api.js'
import type { FaultDetail, InputProblem } from '../faults.js'
import { invalidFields } from './input-faults.js'
import { readPayload } from './payload.js'
import { requireText } from './text-fields.js'

export type ReadSignal =
  | { readonly type: 'signal'; readonly signal: GivenSignal }
  | { readonly type: 'refused'; readonly fault: FaultDetail }

export const readSignal = ({ name, payload }: Signal): ReadSignal => {
  const problems: InputProblem[] = []
  requireText(problems, '/signal/name', name)
  if (problems.length > 0) return { type: 'refused', fault: invalidFields(problems) }
  if (payload === undefined) return { type: 'signal', signal: { name, payload: JSON_NULL } }
  const read = readPayload(payload, LIMITS.signalBytesMax, 'the payload of the signal')
  switch (read.type) {
    case 'json':
      return { type: 'signal', signal: { name, payload: read.text } }
    case 'too_large':
      return { type: 'refused', fault: { code: 'TOO_LARGE', reason: 'SIGNAL_TOO_LARGE', message: read.message } }
    case 'encoding':
      return { type: 'refused', fault: { code: 'INVALID_INPUT', reason: 'ENCODING_NOT_SUPPORTED', message: read.message } }
    case 'not_json':
      return { type: 'refused', fault: invalidFields([{ ...read.problem, path: `/signal/payload${read.problem.path}` }]) }
  }
}
