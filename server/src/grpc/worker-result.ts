/**
 * The wall for results. What cannot be recorded as the worker meant it ends the attempt all the same, so that no slot waits for a result
 * that will never fit; what names no attempt is refused; the stream lives on (W6, W12).
 */
import { LIMITS, unreachable } from '@tasker/core'
import type { Payload, StepResult } from '@tasker/proto'
import type { AttemptOutcome, AttemptResult } from '../engine/api.js'
import { attemptRef } from './attempt-ref.js'
import { failureFrom } from './failure.js'
import { readPayload } from './payload.js'

export type ReadResult =
  | { readonly type: 'result'; readonly result: AttemptResult }
  /** To be acknowledged as REFUSED. */
  | { readonly type: 'refused'; readonly reason: string; readonly message: string }
  /** Not even a key to acknowledge. */
  | { readonly type: 'keyless' }

const CANCELLED: AttemptOutcome = { type: 'cancelled' }

export const readResult = (wire: StepResult): ReadResult => {
  if (wire.ref === undefined) return { type: 'keyless' }
  const read = attemptRef(wire.ref)
  if (read.type === 'nonsense') return { type: 'refused', reason: 'INVALID_ATTEMPT_REF', message: read.message }
  if (wire.outcome?.$case === 'checkpoint') {
    const message = 'no step of this task saves checkpoints; the attempt goes on without it'
    return { type: 'refused', reason: 'OUTCOME_NOT_EXPECTED', message }
  }
  const outcome = outcomeOf(wire.outcome)
  if (outcome === undefined)
    return {
      type: 'refused',
      reason: 'RESULT_WITHOUT_OUTCOME',
      message: 'the result says neither success, failure nor cancelled',
    }
  const { ref } = read
  return { type: 'result', result: { taskId: ref.taskId, step: ref.step, attempt: ref.attempt, outcome } }
}

const outcomeOf = (outcome: StepResult['outcome']): AttemptOutcome | undefined => {
  if (outcome === undefined) return undefined
  switch (outcome.$case) {
    case 'success':
      return successOf(outcome.value)
    case 'failure':
      return { type: 'failed', failure: failureFrom(outcome.value) }
    case 'cancelled':
      return CANCELLED
    case 'decision':
    case 'batches':
      return permanent('OUTCOME_NOT_EXPECTED', `the step ends with success, and the result says ${outcome.$case}`)
    case 'checkpoint':
      return undefined
    default:
      return unreachable(outcome)
  }
}

const successOf = (payload: Payload): AttemptOutcome => {
  const read = readPayload(payload, LIMITS.resultBytesMax, 'the result')
  switch (read.type) {
    case 'json':
      return { type: 'completed', output: read.text }
    case 'too_large':
      return permanent('RESULT_TOO_LARGE', read.message)
    case 'encoding':
      return permanent('ENCODING_NOT_SUPPORTED', read.message)
    case 'not_json':
      return permanent('RESULT_NOT_JSON', read.problem.message)
    default:
      return unreachable(read)
  }
}

/** Another attempt would give the same result, so it is not tried. */
const permanent = (code: string, message: string): AttemptOutcome => ({
  type: 'failed',
  failure: { message, errorType: 'ResultError', code, retryable: false },
})
