/** Faults of input that several calls share. */
import type { FaultDetail, InputProblem } from '../faults.js'

export const invalidTaskId = (message: string): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason: 'INVALID_TASK_ID',
  message,
  errors: [{ code: 'WRONG_TYPE', path: '/task_id', message }],
  retryable: false,
})

export const malformed = (problem: string): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason: 'MALFORMED_MESSAGE',
  message: `the message could not be read: ${problem}`,
  retryable: false,
})

export const taskNotFound = (taskId: string): FaultDetail => ({
  code: 'NOT_FOUND',
  reason: 'TASK_NOT_FOUND',
  message: `there is no task ${taskId}`,
  context: { task_id: taskId },
  retryable: false,
})

/** Fields that do not fit, all of them. */
export const invalidFields = (problems: readonly InputProblem[]): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason: 'INVALID_INPUT',
  message: problems.map(({ message }) => message).join('; '),
  errors: problems,
  retryable: false,
})

/** One field outside its range. */
export const outOfRange = (path: string, message: string): FaultDetail => invalidFields([{ code: 'OUT_OF_RANGE', path, message }])
