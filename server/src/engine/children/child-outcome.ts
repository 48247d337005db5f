/** How a child ended, as its parent is told. */
import { type ChildOver, type Failure, LIMITS, type LiveTask, taskResult } from '@tasker/core'
import type { FaultDetail } from '../../faults.js'

type Outcome = ChildOver['outcome']

/** Undefined while it is not over: a child that is blocked waits for a person, and its parent with it. */
export const childOutcome = (child: LiveTask): Outcome | undefined => {
  switch (child.phase) {
    case 'completed':
      return succeeded(child)
    case 'failed':
      return failed(child.failed?.code ?? 'TASK_FAILED', child.failed?.message ?? 'The child failed.')
    case 'cancelled':
      return { type: 'cancelled' }
    case 'resolved_manually':
      return failed('TASK_RESOLVED', `A person closed the child${said(child.resolvedReason)}`)
    default:
      return undefined
  }
}

/** It could not be begun. */
export const refusedOutcome = ({ reason, message }: FaultDetail): Outcome => failed(reason, message)

const succeeded = (child: LiveTask): Outcome => {
  const result = taskResult(child)
  const bytes = Buffer.byteLength(result)
  if (bytes <= LIMITS.resultBytesMax) return { type: 'succeeded', result }
  return failed('RESULT_TOO_LARGE', `the child gave ${bytes} bytes, and ${LIMITS.resultBytesMax} are allowed`)
}

const failed = (code: string, message: string): Outcome => ({ type: 'failed', failure: failureOf(code, message) })

const failureOf = (code: string, message: string): Failure => ({
  message: message.slice(0, LIMITS.failureMessageCharsMax),
  errorType: 'ChildFailed',
  code,
  retryable: false,
})

const said = (reason: string | undefined): string => (reason === undefined ? '.' : `: ${reason}`)
