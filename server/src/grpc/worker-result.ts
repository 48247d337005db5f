/**
 * The wall for results. What cannot be recorded as the worker meant it ends the attempt all the same, so that no slot waits for a result
 * that will never fit; what names no attempt is refused; the stream lives on (W6, W12).
 */
import { JSON_NULL, LIMITS, unreachable } from '@tasker/core'
import type { Payload, StepResult } from '@tasker/proto'
import type { AttemptOutcome, AttemptResult } from '../engine/api.js'
import { attemptRef } from './attempt-ref.js'
import { failureFrom } from './failure.js'
import { givenEvents } from './given-events.js'
import { readPayload } from './payload.js'
import { batchesFrom, checkpointFrom, decisionFrom, type ReadChoice } from './worker-choice.js'

export type ReadResult =
  | { readonly type: 'result'; readonly result: AttemptResult }
  /** To be acknowledged as REFUSED. */
  | { readonly type: 'refused'; readonly reason: string; readonly message: string }
  /** Not even a key to acknowledge. */
  | { readonly type: 'keyless' }

/** The codes of what was sent and cannot be kept. */
const UNREAD = { too_large: 'RESULT_TOO_LARGE', encoding: 'ENCODING_NOT_SUPPORTED', not_json: 'RESULT_NOT_JSON' } as const

const CANCELLED: AttemptOutcome = { type: 'cancelled' }

export const readResult = (wire: StepResult): ReadResult => {
  if (wire.ref === undefined) return { type: 'keyless' }
  const read = attemptRef(wire.ref)
  if (read.type === 'nonsense') return { type: 'refused', reason: 'INVALID_ATTEMPT_REF', message: read.message }
  const { ref } = read
  const key = { taskId: ref.taskId, step: ref.step, attempt: ref.attempt }
  if (wire.outcome?.$case === 'checkpoint') {
    const saved = checkpointFrom(wire.outcome.value)
    if (saved.type === 'wrong') return { type: 'refused', reason: saved.reason, message: saved.message }
    return { type: 'result', result: { ...key, outcome: saved.checkpoint } }
  }
  const outcome = outcomeOf(wire.outcome)
  if (outcome === undefined)
    return {
      type: 'refused',
      reason: 'RESULT_WITHOUT_OUTCOME',
      message: 'the result says none of the outcomes an attempt can have',
    }
  return {
    type: 'result',
    result: {
      ...key,
      outcome: wire.metadata === undefined ? outcome : withMetadata(outcome, wire.metadata),
      events: givenEvents(wire.events),
    },
  }
}

/** Metadata that cannot be kept fails a success for good; a failure stays what it is, and says what it could not keep. */
const withMetadata = (outcome: AttemptOutcome, payload: Payload): AttemptOutcome => {
  if (outcome.type !== 'completed' && outcome.type !== 'failed') return outcome
  const read = readPayload(payload, LIMITS.metadataBytesMax, 'the metadata')
  if (read.type === 'json') return { ...outcome, metadata: read.text }
  const message = read.type === 'not_json' ? read.problem.message : read.message
  if (outcome.type === 'completed') return permanent(UNREAD[read.type], message)
  return { ...outcome, failure: { ...outcome.failure, message: `${outcome.failure.message} (not kept: ${message})` } }
}

/** The end of an attempt. */
const outcomeOf = (outcome: Exclude<StepResult['outcome'], { readonly $case: 'checkpoint' }>): AttemptOutcome | undefined => {
  if (outcome === undefined) return undefined
  switch (outcome.$case) {
    case 'success':
      return successOf(outcome.value)
    case 'failure':
      return { type: 'failed', failure: failureFrom(outcome.value) }
    case 'cancelled':
      return CANCELLED
    case 'decision':
      return chosenOf(outcome.value.output, decisionFrom(outcome.value))
    case 'batches':
      return chosenOf(outcome.value.output, batchesFrom(outcome.value))
    default:
      return unreachable(outcome)
  }
}

/** A result that is not given is null. */
const chosenOf = (output: Payload | undefined, read: ReadChoice): AttemptOutcome => {
  if (read.type === 'wrong') return permanent(read.code, read.message)
  if (output === undefined) return { type: 'completed', output: JSON_NULL, choice: read.choice }
  const success = successOf(output)
  return success.type === 'completed' ? { ...success, choice: read.choice } : success
}

const successOf = (payload: Payload): AttemptOutcome => {
  const read = readPayload(payload, LIMITS.resultBytesMax, 'the result')
  switch (read.type) {
    case 'json':
      return { type: 'completed', output: read.text }
    case 'too_large':
    case 'encoding':
      return permanent(UNREAD[read.type], read.message)
    case 'not_json':
      return permanent(UNREAD[read.type], read.problem.message)
    default:
      return unreachable(read)
  }
}

/** Another attempt would give the same result, so it is not tried. */
const permanent = (code: string, message: string): AttemptOutcome => ({
  type: 'failed',
  failure: { message, errorType: 'ResultError', code, retryable: false },
})
