/** The faults the engine answers with, each in one place, with what to do. */
import type { TaskId } from '@tasker/core'
import type { FaultDetail } from '../faults.js'
import type { Submission } from './api.js'

export const databaseUnavailable: FaultDetail = {
  code: 'UNAVAILABLE',
  reason: 'DATABASE_UNAVAILABLE',
  message: 'the database cannot be reached just now; nothing was taken',
  hint: 'repeat the request in a moment',
  retryable: true,
  retryAfterMs: 1_000,
}

export const notReady = (why: string): FaultDetail => ({
  code: 'UNAVAILABLE',
  reason: 'SERVER_NOT_READY',
  message: `the server is not ready: ${why}; nothing was taken`,
  hint: 'repeat the request in a moment',
  retryable: true,
  retryAfterMs: 1_000,
})

export const sealsOff: FaultDetail = {
  code: 'INVALID_STATE',
  reason: 'SEALS_OFF',
  message: 'this server makes no seals: it has no key to sign them with',
  hint: 'set TASKER_SEAL_KEY',
  retryable: false,
}

export const commitBufferFull: FaultDetail = {
  code: 'BACKPRESSURE',
  reason: 'COMMIT_BUFFER_FULL',
  message: 'too many commits wait for the database; nothing was taken',
  hint: 'slow down and repeat the request',
  retryable: true,
  retryAfterMs: 500,
}

export const submissionUnconfirmed = (submission: Submission, taskId: TaskId): FaultDetail => ({
  code: 'UNAVAILABLE',
  reason: 'SUBMISSION_UNCONFIRMED',
  message: 'the database went away before it confirmed the submission; it is kept and may still be taken',
  hint: `repeat it with the same request_id ${submission.requestId}: that gives the same task`,
  retryable: true,
  retryAfterMs: 1_000,
  context: { request_id: submission.requestId, task_id: taskId },
})

export const commitLost = (message: string): FaultDetail => ({
  code: 'UNAVAILABLE',
  reason: 'OWNERSHIP_LOST',
  message: `this server no longer writes this part of the log: ${message}`,
  hint: 'repeat the request; another server, or this one after its restart, answers',
  retryable: true,
  retryAfterMs: 1_000,
})

export const notStorable = (message: string): FaultDetail => ({
  code: 'INTERNAL',
  reason: 'COMMIT_REFUSED',
  message: `the event log refuses the content of this command: ${message}`,
  hint: 'nothing was changed; report it with the request',
  retryable: false,
})

export const badRequestId: FaultDetail = {
  code: 'INVALID_INPUT',
  reason: 'INVALID_INPUT',
  message: 'request_id is not a ULID',
  errors: [{ code: 'WRONG_TYPE', message: 'request_id must be a ULID of 26 characters', path: '/request_id' }],
}

export const idempotencyKeyRequired: FaultDetail = {
  code: 'INVALID_INPUT',
  reason: 'IDEMPOTENCY_KEY_REQUIRED',
  message: 'the template says identity_strategy: caller_provided, and the submission has no idempotency_key',
  hint: 'send an idempotency_key',
  errors: [{ code: 'MISSING_FIELD', message: 'the template wants an idempotency_key', path: '/idempotency_key' }],
  retryable: false,
}

export const identityMismatch = (taskId: TaskId, what: string): FaultDetail => ({
  code: 'CONFLICT',
  reason: 'IDEMPOTENCY_MISMATCH',
  message: `${what} was used before with another template or context, for task ${taskId}`,
  hint: 'use another key for another submission',
  retryable: false,
  context: { task_id: taskId },
})

export const duplicateTask = (taskId: TaskId, what: string): FaultDetail => ({
  code: 'CONFLICT',
  reason: 'DUPLICATE_TASK',
  message: `a task with ${what} exists: ${taskId}`,
  hint: 'send on_duplicate: return to get that task instead',
  retryable: false,
  context: { task_id: taskId },
})
