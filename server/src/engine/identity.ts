/** How a submission finds its task: the id follows from the request, the partition from the caller's key where there is one. */
import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import {
  canonicalText,
  type IdentityRule,
  type JsonText,
  type LiveTask,
  type Namespace,
  parseJson,
  parseTaskId,
  type TaskId,
  taskIdFrom,
  taskIdTime,
  type TaskSubmitted,
} from '@tasker/core'
import type { Submission } from './api.js'

/** Bytes of the random part that decide the partition: 20 bits and a rest. */
const PARTITION_BYTES = 3

/** What the `identity` rows are keyed by: an idempotency key, unique within namespace and template name. */
const keyScope = (namespace: Namespace, name: string, key: string): string =>
  hash('sha256', JSON.stringify([namespace, name, key]), 'hex')

/** A context as its content: the SHA-256 of its canonical JSON, within namespace and template name. Never the scope of a key. */
const contextScope = (namespace: Namespace, name: string, context: JsonText): string =>
  hash('sha256', JSON.stringify([namespace, name, 'context', hash('sha256', canonicalText(parseJson(context)), 'hex')]), 'hex')

/** The scope by which a submission's duplicates are known; none when it is a task of its own whatever else there is. */
export const scopeOf = ({ namespace, name, idempotencyKey, context }: Submission, rule: IdentityRule): string | undefined => {
  if (idempotencyKey !== undefined) return keyScope(namespace, name, idempotencyKey)
  return rule.strategy === 'strict' ? contextScope(namespace, name, context) : undefined
}

/** The same, of a task that was taken. */
export const scopeOfTask = ({ namespace, name, idempotencyKey, identity }: TaskSubmitted): string | undefined =>
  idempotencyKey === undefined ? identity : keyScope(namespace, name, idempotencyKey)

/**
 * The id of the task that a request makes: the request's moment and a hash of the request, so that a repeat finds the same stream.
 * With an identity the bits that carry the partition come from its scope: one owner decides about duplicates.
 */
export const taskIdOf = (submission: Submission, scope: string | undefined): TaskId | undefined => {
  const request = parseTaskId(submission.requestId)
  if (request === undefined) return undefined
  const random = Buffer.from(hash('sha256', `${submission.namespace}\n${request}`, 'hex'), 'hex')
  if (scope !== undefined) Buffer.from(scope, 'hex').copy(random, 0, 0, PARTITION_BYTES)
  return taskIdFrom(taskIdTime(request), random)
}

/** Whether a task is what a repeated request asks for. */
export const isSameSubmission = (task: LiveTask, submission: Submission): boolean => {
  const { submitted } = task
  return (
    submitted.namespace === submission.namespace &&
    submitted.name === submission.name &&
    (submission.version === undefined || submitted.version === submission.version) &&
    hasSameContext(task, submission)
  )
}

/** Formatting of the context does not matter. */
export const hasSameContext = (task: LiveTask, submission: Submission): boolean =>
  isSameJson(task.submitted.context, submission.context)

const isSameJson = (a: JsonText, b: JsonText): boolean => a === b || isDeepStrictEqual(JSON.parse(a), JSON.parse(b))
