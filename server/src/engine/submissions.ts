/** Takes tasks in: finds the template, checks the context, decides about duplicates, starts the stream. */
import { type LiveTask, partitionOfTask, type SubmitTask, type TaskId } from '@tasker/core'
import { inBackground } from '../background.js'
import type { IdentityRow } from '../projections/port.js'
import type { Projector } from '../projections/projector.js'
import type { Submission, SubmitAnswer, TemplateRecord } from './api.js'
import {
  badRequestId,
  commitLost,
  databaseUnavailable,
  duplicateTask,
  identityMismatch,
  notStorable,
  submissionUnconfirmed,
} from './engine-faults.js'
import { isSameSubmission, keyScope, taskIdOf } from './identity.js'
import type { StreamCache } from './stream-cache.js'
import type { Found, StreamLoader } from './stream-loader.js'
import type { Applied, TaskRuntime } from './task-runtime.js'
import { durableTask, newStream, type TaskStream } from './task-stream.js'
import type { TemplateCatalog } from './template-catalog.js'

type Answer = (answer: SubmitAnswer) => void

export interface SubmissionParts {
  readonly partitionCount: number
  readonly catalog: TemplateCatalog
  readonly cache: StreamCache
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly projector: Projector
}

interface Open {
  readonly submission: Submission
  readonly taskId: TaskId
  answer: Answer | undefined
}

export class Submissions {
  readonly #parts: SubmissionParts
  /** Accepted and on their way to the log. */
  readonly #open = new Set<Open>()
  /** Keys of tasks on their way to the log, by scope. */
  readonly #creating = new Map<string, TaskId>()

  constructor(parts: SubmissionParts) {
    this.#parts = parts
  }

  submit(submission: Submission, answer: Answer): void {
    const record = this.#parts.catalog.resolve(submission.namespace, submission.name, submission.version)
    if ('code' in record) return answer({ type: 'failed', fault: record })
    const refusal = this.#parts.catalog.checkContext(record, submission.context)
    if (refusal !== undefined) return answer({ type: 'failed', fault: refusal })
    const scope =
      submission.idempotencyKey === undefined
        ? undefined
        : keyScope(submission.namespace, submission.name, submission.idempotencyKey)
    const taskId = taskIdOf(submission, scope)
    if (taskId === undefined) return answer({ type: 'failed', fault: badRequestId })
    if (scope === undefined) this.#create(submission, record, taskId, undefined, answer)
    else inBackground(this.#createOnce(submission, record, taskId, scope, answer))
  }

  /** The log is away: who still waits is told that the outcome is open. The commits stay on their way. */
  unconfirmed(): void {
    for (const open of this.#open) {
      const { answer } = open
      open.answer = undefined
      answer?.({ type: 'failed', fault: submissionUnconfirmed(open.submission, open.taskId) })
    }
    this.#open.clear()
  }

  /** With an idempotency key: the owner of the key's partition looks at what is projected, and at what is not yet. */
  async #createOnce(
    submission: Submission,
    record: TemplateRecord,
    taskId: TaskId,
    scope: string,
    answer: Answer,
  ): Promise<void> {
    let existing = this.#creating.get(scope)
    if (existing === undefined) {
      try {
        existing = await this.#parts.projector.identity(scope)
      } catch {
        return answer({ type: 'failed', fault: databaseUnavailable })
      }
      // While the rows were read, another submission with the key may have come in: it is on its way, or just arrived.
      existing ??= this.#creating.get(scope) ?? this.#parts.projector.unprojectedIdentity(scope)
    }
    if (existing === undefined || existing === taskId) {
      this.#creating.set(scope, taskId)
      this.#create(submission, record, taskId, { scope, taskId }, answer)
      return
    }
    const other = existing
    this.#parts.loader.find(other, (found) => this.#answerExisting(found, submission, other, answer, 'the idempotency key'))
  }

  #create(
    submission: Submission,
    record: TemplateRecord,
    taskId: TaskId,
    identity: IdentityRow | undefined,
    answer: Answer,
  ): void {
    const { cache, loader, partitionCount } = this.#parts
    if (cache.get(taskId) !== undefined || loader.isLoading(taskId))
      return this.#repeat(submission, record, taskId, identity, answer)
    const stream = newStream(taskId, partitionOfTask(taskId, partitionCount))
    cache.add(stream)
    this.#start(stream, submission, record, identity, answer)
  }

  /** The id is known in memory: a repeat of the request, or a stream that an earlier loss dropped meanwhile. */
  #repeat(
    submission: Submission,
    record: TemplateRecord,
    taskId: TaskId,
    identity: IdentityRow | undefined,
    answer: Answer,
  ): void {
    this.#parts.loader.find(taskId, (found) => {
      if (found.type === 'none') return this.#create(submission, record, taskId, identity, answer)
      this.#arrived(identity)
      this.#answerRepeat(found, submission, taskId, answer)
    })
  }

  #start(
    stream: TaskStream,
    submission: Submission,
    record: TemplateRecord,
    identity: IdentityRow | undefined,
    answer: Answer,
  ): void {
    const { runtime } = this.#parts
    const open: Open = { submission, taskId: stream.taskId, answer }
    this.#open.add(open)
    const cause = { actor: submission.actor, command: 'submit', requestId: submission.requestId }
    const options = identity === undefined ? { cause, plan: record.plan } : { cause, plan: record.plan, identity }
    runtime.apply(stream, submitCommand(submission, record, runtime.now(stream)), options, (applied) => {
      this.#open.delete(open)
      // Whoever was told that the outcome is open has had the answer.
      const hear = (given: SubmitAnswer): void => open.answer?.(given)
      if (applied.type === 'lost' && applied.settled.reason === 'stream_taken')
        return this.#repeat(submission, record, stream.taskId, identity, hear)
      this.#arrived(identity)
      hear(answerOf(applied, stream))
    })
  }

  /** The task of a key is durable, and known to the projector, or lost: either way it is no longer on its way. */
  #arrived(identity: IdentityRow | undefined): void {
    if (identity !== undefined && this.#creating.get(identity.scope) === identity.taskId) this.#creating.delete(identity.scope)
  }

  #answerRepeat(found: Found, submission: Submission, taskId: TaskId, answer: Answer): void {
    if (found.type !== 'stream') return this.#answerExisting(found, submission, taskId, answer, 'the request_id')
    this.#parts.runtime.afterPending(found.stream, (settled) => {
      if (settled?.type === 'lost') answer({ type: 'failed', fault: commitLost(settled.message) })
      else answer(existingAnswer(durableTask(found.stream), found.stream, submission, taskId, 'the request_id', 'return'))
    })
  }

  #answerExisting(found: Found, submission: Submission, taskId: TaskId, answer: Answer, what: string): void {
    if (found.type === 'failed') return answer({ type: 'failed', fault: found.fault.detail })
    if (found.type === 'none') return answer({ type: 'failed', fault: databaseUnavailable })
    const { stream } = found
    this.#parts.runtime.afterPending(stream, (settled) => {
      if (settled?.type === 'lost') answer({ type: 'failed', fault: commitLost(settled.message) })
      else answer(existingAnswer(durableTask(stream), stream, submission, taskId, what, submission.onDuplicate))
    })
  }
}

const existingAnswer = (
  task: LiveTask | undefined,
  stream: TaskStream,
  submission: Submission,
  taskId: TaskId,
  what: string,
  onDuplicate: 'reject' | 'return',
): SubmitAnswer => {
  if (task === undefined || !isSameSubmission(task, submission)) return { type: 'failed', fault: identityMismatch(taskId, what) }
  if (onDuplicate === 'reject') return { type: 'failed', fault: duplicateTask(taskId) }
  return { type: 'existing', taskId, token: `${stream.partition}:0` }
}

const answerOf = (applied: Applied, stream: TaskStream): SubmitAnswer => {
  switch (applied.type) {
    case 'durable':
      return { type: 'created', taskId: stream.taskId, token: `${stream.partition}:${applied.seq}` }
    case 'lost':
      return {
        type: 'failed',
        fault: applied.settled.reason === 'refused' ? notStorable(applied.settled.message) : commitLost(applied.settled.message),
      }
    case 'quarantined':
      return { type: 'failed', fault: notStorable(applied.message) }
    case 'unchanged':
    case 'refused':
      return { type: 'existing', taskId: stream.taskId, token: `${stream.partition}:0` }
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Written out field by field: this is made for every task, and absent fields must be absent. */
const submitCommand = (submission: Submission, record: TemplateRecord, at: SubmitTask['at']): SubmitTask => {
  const command: Mutable<SubmitTask> = {
    type: 'submit',
    at,
    plan: record.plan,
    namespace: submission.namespace,
    context: submission.context,
    priority: submission.priority ?? record.plan.template.priority,
    tags: submission.tags,
    correlationId: submission.correlationId ?? submission.requestId,
  }
  if (submission.parentCorrelationId !== undefined) command.parentCorrelationId = submission.parentCorrelationId
  if (submission.initiator !== undefined) command.initiator = submission.initiator
  if (submission.sourceSystem !== undefined) command.sourceSystem = submission.sourceSystem
  if (submission.reason !== undefined) command.reason = submission.reason
  if (submission.idempotencyKey !== undefined) command.idempotencyKey = submission.idempotencyKey
  if (submission.runAt !== undefined) command.runAt = submission.runAt
  return command
}
