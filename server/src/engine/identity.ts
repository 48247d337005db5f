/** How a submission finds its task: the id follows from the request, the partition from the caller's key where there is one. */
import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type JsonText, type LiveTask, type Namespace, parseTaskId, type TaskId, taskIdFrom, taskIdTime } from '@tasker/core'
import type { Submission } from './api.js'

/** Bytes of the random part that decide the partition: 20 bits and a rest. */
const PARTITION_BYTES = 3

/** The scope in which an idempotency key is unique, as the hash that the `identity` rows are keyed by. */
export const keyScope = (namespace: Namespace, name: string, key: string): string =>
  hash('sha256', JSON.stringify([namespace, name, key]), 'hex')

/**
 * The id of the task that a request makes: the request's moment and a hash of the request, so that a repeat finds the same stream.
 * With an idempotency key the bits that carry the partition come from the key's scope: one owner decides about duplicates.
 */
export const taskIdOf = (submission: Submission, scope: string | undefined): TaskId | undefined => {
  const request = parseTaskId(submission.requestId)
  if (request === undefined) return undefined
  const random = Buffer.from(hash('sha256', `${submission.namespace}\n${request}`, 'hex'), 'hex')
  if (scope !== undefined) Buffer.from(scope, 'hex').copy(random, 0, 0, PARTITION_BYTES)
  return taskIdFrom(taskIdTime(request), random)
}

/** Whether a task is what a submission asks for; formatting of the context does not matter. */
export const isSameSubmission = (task: LiveTask, submission: Submission): boolean => {
  const { submitted } = task
  return (
    submitted.namespace === submission.namespace &&
    submitted.name === submission.name &&
    (submission.version === undefined || submitted.version === submission.version) &&
    isSameJson(submitted.context, submission.context)
  )
}

const isSameJson = (a: JsonText, b: JsonText): boolean => a === b || isDeepStrictEqual(JSON.parse(a), JSON.parse(b))
