/** How a child ended, as its parent is told. */
import {
  type ChildOver,
  childWorker,
  type Failure,
  type Instant,
  LIMITS,
  type LiveTask,
  type ParentLink,
  stepId,
  type TaskCommand,
  type TaskId,
  taskResult,
  unreachable,
} from '@tasker/core'
import type { SchemaCheck } from '../../templates/json-schema.js'
import { resultMismatch, resultProblems } from '../../templates/result-schema.js'
import type { FaultDetail } from '../../faults.js'

type Outcome = ChildOver['outcome']

/** Undefined while it is not over: a child that is blocked waits for a person, and its parent with it. */
export const childOutcome = (child: LiveTask): Outcome | undefined => {
  switch (child.phase) {
    case 'completed':
      return succeeded(child)
    case 'failed':
      return failed(child.failed?.code ?? 'TASK_FAILED', child.failed?.message ?? 'The child failed.', true)
    case 'cancelled':
      return { type: 'cancelled' }
    case 'resolved_manually':
      return failed('TASK_RESOLVED', `A person closed the child${said(child.resolvedReason)}`)
    case 'waiting':
    case 'running':
    case 'blocked':
    case 'cancelling':
    case 'compensating':
      return undefined
    default:
      return unreachable(child.phase)
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

/** The news for the parent: a fact of its journal, or the end of the attempt whose work the child was. */
export const endOfChild = (
  parent: LiveTask | undefined,
  { link, child, outcome }: { readonly link: ParentLink; readonly child: TaskId; readonly outcome: Outcome },
  { at, draw, check }: { readonly at: Instant; readonly draw: number; readonly check: SchemaCheck },
): TaskCommand => {
  if (link.of === 'function') return { type: 'child_over', at, key: link.key, taskId: child, outcome }
  const of = { at, step: stepId(link.key), attempt: link.round, worker: childWorker(child) } as const
  switch (outcome.type) {
    case 'succeeded': {
      const spec = parent?.graph.steps[parent.graph.indexOf.get(of.step) ?? -1]
      const problems = spec === undefined ? [] : resultProblems(spec, outcome.result, check)
      if (spec === undefined || problems.length === 0) return { type: 'complete', ...of, output: outcome.result }
      return { type: 'fail', ...of, failure: resultMismatch(spec, problems), draw }
    }
    case 'failed':
      return { type: 'fail', ...of, failure: outcome.failure, draw }
    case 'cancelled':
      if (parent?.phase === 'cancelling') return { type: 'stopped', ...of }
      return { type: 'fail', ...of, failure: failureOf('CHILD_CANCELLED', `task ${child} was cancelled`, false), draw }
    default:
      return unreachable(outcome)
  }
}

const failed = (code: string, message: string, retryable = false): Outcome => ({
  type: 'failed',
  failure: failureOf(code, message, retryable),
})

const failureOf = (code: string, message: string, retryable: boolean): Failure => ({
  message: message.slice(0, LIMITS.failureMessageCharsMax),
  errorType: 'ChildFailed',
  code,
  retryable,
})

const said = (reason: string | undefined): string => (reason === undefined ? '.' : `: ${reason}`)
