/** How an attempt's end is written for the server. */
import {
  type AttemptRef,
  BatchesMade,
  type BatchRange,
  type Checkpoint,
  DecisionMade,
  type Payload,
  type StepResult,
} from '@tasker/proto'
import { failureOf, type Failure } from '../errors/failure.js'
import { LIMITS } from '../limits.js'
import { countOf, serialize, type JsonObject, type Unserializable } from '../step/json.js'
import { isOutcome, type Batches, type Decision } from '../step/outcome.js'
import { jsonPayload } from '../step/payload.js'

/** What a handler returned: an outcome of its kind, or a plain value, which is its result. */
export const resultOf = (ref: AttemptRef, returned: unknown, bytesMax: number): StepResult => {
  if (!isOutcome(returned)) return withOutput(ref, returned, bytesMax, (output) => ({ $case: 'success', value: output }))
  switch (returned.type) {
    case 'success': {
      const metadata = metadataOf(returned.metadata)
      if (metadata.type === 'wrong') return failureResult(ref, metadata.failure)
      const plain = withOutput(ref, returned.result, bytesMax, (output) => ({ $case: 'success', value: output }))
      return { ...plain, metadata: metadata.payload }
    }
    case 'failure': {
      const metadata = metadataOf(returned.metadata)
      if (metadata.type === 'payload') return { ...failureResult(ref, returned.failure), metadata: metadata.payload }
      const message = `${returned.failure.message} (not kept: ${metadata.failure.message})`
      return failureResult(ref, { ...returned.failure, message })
    }
    case 'decision':
      return withOutput(ref, returned.result, bytesMax, (output) => ({
        $case: 'decision',
        value: decisionMade(returned, output),
      }))
    case 'batches': {
      const made = rangesOf(returned.ranges)
      if (made.type === 'unserializable') return failureResult(ref, unserializable('a batch', made.problem))
      const { ranges } = made
      return withOutput(ref, returned.result, bytesMax, (output) => ({
        $case: 'batches',
        value: batchesMade(returned, ranges, output),
      }))
    }
  }
}

type Metadata =
  | { readonly type: 'payload'; readonly payload: Payload | undefined }
  | { readonly type: 'wrong'; readonly failure: Failure }

const metadataOf = (metadata: JsonObject | undefined): Metadata => {
  if (metadata === undefined) return { type: 'payload', payload: undefined }
  const serialized = serialize(metadata)
  if (serialized.type === 'unserializable') return { type: 'wrong', failure: unserializable('the metadata', serialized.problem) }
  const bytes = serialized.data.length
  if (bytes <= LIMITS.metadataBytesMax) return { type: 'payload', payload: jsonPayload(serialized.data) }
  const message = `the metadata has ${bytes} bytes, at most ${LIMITS.metadataBytesMax} are kept`
  return { type: 'wrong', failure: failureOf('RESULT_TOO_LARGE', message, false) }
}

type Outcome = NonNullable<StepResult['outcome']>

/** A result that is no JSON, or too large, is a failure that no other attempt would cure. */
const withOutput = (ref: AttemptRef, value: unknown, bytesMax: number, outcomeOf: (output: Payload) => Outcome): StepResult => {
  const serialized = serialize(value)
  if (serialized.type === 'unserializable') return failureResult(ref, unserializable('the result', serialized.problem))
  const bytes = serialized.data.length
  if (bytes > bytesMax) {
    return failureResult(ref, failureOf('RESULT_TOO_LARGE', `the result has ${bytes} bytes, at most ${bytesMax} are kept`, false))
  }
  return { ref, outcome: outcomeOf(jsonPayload(serialized.data)), metadata: undefined, events: [] }
}

const unserializable = (subject: string, { path, what }: Unserializable): Failure =>
  failureOf('RESULT_NOT_SERIALIZABLE', `${subject}${path === '' ? '' : ` at ${path}`} is ${what}, which JSON cannot hold`, false)

const decisionMade = ({ steps, reason }: Decision, output: Payload): DecisionMade => ({
  output,
  choice:
    steps.length === 0 ? { $case: 'noBranches', value: { reason } } : { $case: 'createSteps', value: { names: [...steps] } },
})

const batchesMade = ({ totalItems, reason }: Batches, ranges: BatchRange[], output: Payload): BatchesMade => ({
  output,
  choice:
    ranges.length === 0 ? { $case: 'noBatches', value: { reason } } : { $case: 'createBatches', value: { ranges, totalItems } },
})

type Ranges =
  | { readonly type: 'ranges'; readonly ranges: BatchRange[] }
  | { readonly type: 'unserializable'; readonly problem: Unserializable }

const rangesOf = (said: Batches['ranges']): Ranges => {
  const ranges: BatchRange[] = []
  for (const [index, { id = '', start, end, size = 0 }] of said.entries()) {
    const [first, behind] = [serialize(start), serialize(end)]
    if (first.type !== 'json') return { type: 'unserializable', problem: placed(first.problem, `/${index}/start`) }
    if (behind.type !== 'json') return { type: 'unserializable', problem: placed(behind.problem, `/${index}/end`) }
    ranges.push({ id, start: jsonPayload(first.data), end: jsonPayload(behind.data), size: countOf(size, 'size') })
  }
  return { type: 'ranges', ranges }
}

const placed = ({ path, what }: Unserializable, place: string): Unserializable => ({ path: `${place}${path}`, what })

export const failureResult = (ref: AttemptRef, failure: Failure): StepResult => ({
  ref,
  outcome: { $case: 'failure', value: failure },
  metadata: undefined,
  events: [],
})

export const cancelledResult = (ref: AttemptRef): StepResult => ({
  ref,
  outcome: { $case: 'cancelled', value: {} },
  metadata: undefined,
  events: [],
})

/** About how many bytes a result takes on the wire. */
export const resultBytes = ({ outcome, metadata }: StepResult): number =>
  RESULT_BYTES_BASE + outcomeBytes(outcome) + (metadata?.data.length ?? 0)

const outcomeBytes = (outcome: StepResult['outcome']): number => {
  switch (outcome?.$case) {
    case 'success':
      return outcome.value.data.length
    case 'failure':
      return 4 * (outcome.value.message.length + outcome.value.stack.length)
    case 'decision':
      return DecisionMade.encode(outcome.value).finish().length
    case 'batches':
      return BatchesMade.encode(outcome.value).finish().length
    case 'checkpoint':
      return checkpointBytes(outcome.value)
    case 'cancelled':
    case undefined:
      return 0
  }
}

const checkpointBytes = ({ cursor, accumulated }: Checkpoint): number =>
  (cursor?.data.length ?? 0) + (accumulated?.data.length ?? 0)

/** Ids, numbers and framing. */
const RESULT_BYTES_BASE = 256
