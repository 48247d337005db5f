/** The task that a child is: its id, its submission, and what it says of its parent. */
import { hash } from 'node:crypto'
import {
  type Instant,
  instant,
  type JsonText,
  LIMITS,
  type LiveTask,
  type ParentLink,
  type TaskId,
  taskIdFrom,
  taskIdTime,
} from '@tasker/core'
import type { FaultDetail } from '../../faults.js'
import type { AttemptRef, Submission } from '../api.js'

/** `what` names the child within its parent, for ever. */
export const childId = (parent: TaskId, what: string, at: Instant): TaskId =>
  taskIdFrom(at, Buffer.from(hash('sha256', `child\n${parent}\n${what}`, 'hex'), 'hex'))

/** The task that is the work of an attempt. */
export const stepChildId = ({ taskId, step, attempt }: AttemptRef): TaskId =>
  childId(taskId, `step\n${attempt}\n${step}`, instant(taskIdTime(taskId)))

/** What a parent says of a child. */
export interface Begun {
  readonly taskId: TaskId
  readonly namespace: Submission['namespace']
  readonly name: string
  readonly version: string | undefined
  readonly input: JsonText
  readonly link: ParentLink
}

/** A child has its id from its parent, so it is one task however often this is submitted. */
export const childSubmission = (
  { submitted }: LiveTask,
  { taskId, namespace, name, version, input, link }: Begun,
): Submission => ({
  requestId: taskId,
  namespace,
  name,
  version,
  context: input,
  actor: `task:${link.taskId}`,
  initiator: submitted.initiator,
  sourceSystem: submitted.sourceSystem,
  reason: undefined,
  tags: submitted.tags,
  priority: submitted.priority,
  correlationId: submitted.correlationId,
  parentCorrelationId: submitted.correlationId,
  idempotencyKey: undefined,
  runAt: undefined,
  onDuplicate: 'return',
  child: { taskId, parent: link },
})

export const depthBelow = ({ submitted }: LiveTask): number => (submitted.parent?.depth ?? 0) + 1

/** What can be said of a child before it is submitted. */
export const childFault = ({ input, link }: Begun): FaultDetail | undefined => {
  if (link.depth > LIMITS.childDepthMax) {
    return refusal('CHILD_TOO_DEEP', `the child has ${link.depth} tasks above it, and ${LIMITS.childDepthMax} are allowed`)
  }
  return input.trimStart().startsWith('{') ? undefined : refusal('CONTEXT_INVALID', 'the input of a child is one JSON object')
}

export const refusal = (reason: string, message: string): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason,
  message,
  retryable: false,
})
