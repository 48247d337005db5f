/** Errors of the wire as errors of the SDK. */
import { type ErrorDetail, type FieldProblem } from '@tasker/proto'
import { TaskerError, type InputProblem, type TaskerErrorCode } from '../errors/tasker-error.js'

const CODES: ReadonlySet<string> = new Set<TaskerErrorCode>([
  'NOT_FOUND',
  'CONFLICT',
  'INVALID_INPUT',
  'INVALID_STATE',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'TOO_LARGE',
  'BACKPRESSURE',
  'UNAVAILABLE',
  'INTERNAL',
])

const isCode = (code: string): code is TaskerErrorCode => CODES.has(code)

/** What the server said, kept whole. */
export const errorOfDetail = (detail: ErrorDetail): TaskerError =>
  new TaskerError({
    code: isCode(detail.code) ? detail.code : 'INTERNAL',
    reason: detail.reason,
    message: detail.message,
    retryable: detail.retryable,
    errors: detail.errors.map(problemOf),
    context: detail.context,
    ...(detail.hint === '' ? {} : { hint: detail.hint }),
  })

const problemOf = (problem: FieldProblem): InputProblem => ({
  code: problem.code,
  message: problem.message,
  path: problem.path,
  ...(problem.line === 0 ? {} : { line: problem.line, column: problem.column }),
  ...(problem.hint === '' ? {} : { hint: problem.hint }),
})
