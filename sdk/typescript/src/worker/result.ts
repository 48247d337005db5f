/** How an attempt's end is written for the server. */
import { type AttemptRef, BatchesMade, type Checkpoint, DecisionMade, type StepResult } from '@tasker/proto'
import { failureOf, type Failure } from '../errors/failure.js'
import { serialize } from '../step/json.js'
import { jsonPayload } from '../step/payload.js'

/** A result that is no JSON, or too large, is a failure that no other attempt would cure. */
export const successResult = (ref: AttemptRef, value: unknown, bytesMax: number): StepResult => {
  const serialized = serialize(value)
  if (serialized.type === 'unserializable') {
    const { path, what } = serialized.problem
    const place = path === '' ? 'the result' : `the result at ${path}`
    return failureResult(ref, failureOf('RESULT_NOT_SERIALIZABLE', `${place} is ${what}, which JSON cannot hold`, false))
  }
  const bytes = serialized.data.length
  if (bytes > bytesMax) {
    return failureResult(ref, failureOf('RESULT_TOO_LARGE', `the result has ${bytes} bytes, at most ${bytesMax} are kept`, false))
  }
  return { ref, outcome: { $case: 'success', value: jsonPayload(serialized.data) } }
}

export const failureResult = (ref: AttemptRef, failure: Failure): StepResult => ({
  ref,
  outcome: { $case: 'failure', value: failure },
})

export const cancelledResult = (ref: AttemptRef): StepResult => ({ ref, outcome: { $case: 'cancelled', value: {} } })

/** About how many bytes a result takes on the wire. */
export const resultBytes = (result: StepResult): number => {
  switch (result.outcome?.$case) {
    case 'success':
      return result.outcome.value.data.length + RESULT_BYTES_BASE
    case 'failure':
      return 4 * (result.outcome.value.message.length + result.outcome.value.stack.length) + RESULT_BYTES_BASE
    case 'decision':
      return DecisionMade.encode(result.outcome.value).finish().length + RESULT_BYTES_BASE
    case 'batches':
      return BatchesMade.encode(result.outcome.value).finish().length + RESULT_BYTES_BASE
    case 'checkpoint':
      return checkpointBytes(result.outcome.value) + RESULT_BYTES_BASE
    case 'cancelled':
    case undefined:
      return RESULT_BYTES_BASE
  }
}

const checkpointBytes = ({ cursor, accumulated }: Checkpoint): number =>
  (cursor?.data.length ?? 0) + (accumulated?.data.length ?? 0)

/** Ids, numbers and framing. */
const RESULT_BYTES_BASE = 256
