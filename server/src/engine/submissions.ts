/** Takes tasks in: finds the template, checks the context, decides about duplicates, starts the stream. */
import { identityReleased, later, type LiveTask, partitionOfTask, type SubmitTask, type TaskId } from '@tasker/core'
import type { IdentityRow } from '../projections/port.js'
import type { Projector } from '../projections/projector.js'
import type { Submission, SubmitAnswer, TemplateRecord } from './api.js'
import {
  badRequestId,
  commitLost,
  databaseUnavailable,
  duplicateTask,
  idempotencyKeyRequired,
  identityMismatch,
  notStorable,
  submissionUnconfirmed,
} from './engine-faults.js'
import { ArchivedIds, taskArchived } from './archiving.js'
import { hasSameContext, isSameSubmission, scopeOf, taskIdOf } from './identity.js'
import { IdentityLines } from './identity-lines.js'
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

/** A submission with an identity, and the task that it would make. */
interface Wanted {
  readonly submission: Submission
  readonly record: TemplateRecord
  readonly taskId: TaskId
  readonly identity: IdentityRow
  readonly answer: Answer
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
  /** Identities of tasks on their way to the log, by scope. */
  readonly #creating = new Map<string, TaskId>()
  readonly #lines = new IdentityLines()
  readonly archivedIds = new ArchivedIds()

  constructor(parts: SubmissionParts) {
    this.#parts = parts
  }

  submit(submission: Submission, answer: Answer): void {
    const record = this.#parts.catalog.resolve(submission.namespace, submission.name, submission.version)
    if ('code' in record) return answer({ type: 'failed', fault: record })
    const refusal = this.#parts.catalog.checkContext(record, submission.context)
    if (refusal !== undefined) return answer({ type: 'failed', fault: refusal })
    const { child } = submission
    if (child !== undefined) return this.#create(submission, record, child.taskId, undefined, answer)
    const rule = record.plan.template.identity
    if (rule.strategy === 'caller_provided' && submission.idempotencyKey === undefined)
      return answer({ type: 'failed', fault: idempotencyKeyRequired })
    const scope = scopeOf(submission, rule)
    const taskId = taskIdOf(submission, scope)
    if (taskId === undefined) return answer({ type: 'failed', fault: badRequestId })
    if (scope === undefined) return this.#create(submission, record, taskId, undefined, answer)
    const wanted: Wanted = { submission, record, taskId, identity: { scope, taskId }, answer }
    this.#lines.run(scope, () => this.#decideIdentity(wanted))
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

  /**
   * The owner of the identity's partition looks at what is projected, and at what is not yet. A repeat of a request gives its own task, also
   * when the identity is another's by now; an identity that its rule releases goes to the next who asks.
   */
  async #decideIdentity(wanted: Wanted): Promise<void> {
    const { submission, record, taskId, identity, answer } = wanted
    const { loader } = this.#parts
    const onItsWay = this.#creating.get(identity.scope)
    const holder = onItsWay ?? (await this.#holderOf(identity.scope))
    if (holder === 'unknown') return answer({ type: 'failed', fault: databaseUnavailable })
    if (holder === undefined || holder === taskId) return this.#createWith(wanted)
    const own = await loader.load(taskId)
    if (own.type !== 'none') return this.#answerRepeat(own, submission, taskId, answer)
    if (onItsWay === undefined && (await this.#isReleased(holder, record))) return this.#createWith(wanted)
    loader.find(holder, (found) => this.#answerHolder(found, submission, holder, answer))
  }

  /** While the rows are read, nobody else decides about the scope, so that what comes is the holder still. */
  async #holderOf(scope: string): Promise<TaskId | undefined | 'unknown'> {
    try {
      return await this.#parts.projector.identity(scope)
    } catch {
      return 'unknown'
    }
  }

  async #isReleased(holder: TaskId, record: TemplateRecord): Promise<boolean> {
    const rule = record.plan.template.identity
    const neverLetsGo = rule.windowMs === undefined && !rule.whileRunning
    if (neverLetsGo && !this.archivedIds.mayHold(holder)) return false
    const found = await this.#parts.loader.load(holder)
    if (found.type === 'archived') return true
    if (found.type !== 'stream' || neverLetsGo) return false
    const task = durableTask(found.stream)
    return task !== undefined && identityReleased(task, rule, this.#parts.runtime.now(found.stream))
  }

  #createWith({ submission, record, taskId, identity, answer }: Wanted): void {
    this.#creating.set(identity.scope, taskId)
    this.#create(submission, record, taskId, identity, answer)
  }

  #create(
    submission: Submission,
    record: TemplateRecord,
    taskId: TaskId,
    identity: IdentityRow | undefined,
    answer: Answer,
  ): void {
    const { cache, loader } = this.#parts
    // What is not in memory is not known to be new where it may have been archived (A1).
    if (cache.get(taskId) !== undefined || loader.isLoading(taskId) || this.archivedIds.mayHold(taskId))
      return this.#repeat(submission, record, taskId, identity, answer)
    this.#createNew(submission, record, taskId, identity, answer)
  }

  #createNew(
    submission: Submission,
    record: TemplateRecord,
    taskId: TaskId,
    identity: IdentityRow | undefined,
    answer: Answer,
  ): void {
    const { cache, partitionCount } = this.#parts
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
      if (found.type === 'none') return this.#createNew(submission, record, taskId, identity, answer)
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
    runtime.apply(stream, submitCommand(submission, record, identity, runtime.now(stream)), options, (applied) => {
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

  /** The task that the same request made. */
  #answerRepeat(found: Found, submission: Submission, taskId: TaskId, answer: Answer): void {
    this.#whenDurable(found, taskId, answer, (task, stream) =>
      task !== undefined && isSameSubmission(task, submission)
        ? { type: 'existing', taskId, token: `${stream.partition}:0` }
        : { type: 'failed', fault: identityMismatch(taskId, 'the request_id') },
    )
  }

  /** The task that has the identity. */
  #answerHolder(found: Found, submission: Submission, taskId: TaskId, answer: Answer): void {
    const byKey = submission.idempotencyKey !== undefined
    const what = byKey ? 'this idempotency key' : 'this context'
    this.#whenDurable(found, taskId, answer, (task, stream) => {
      if (byKey && (task === undefined || !hasSameContext(task, submission)))
        return { type: 'failed', fault: identityMismatch(taskId, 'the idempotency key') }
      if (submission.onDuplicate === 'reject') return { type: 'failed', fault: duplicateTask(taskId, what) }
      return { type: 'existing', taskId, token: `${stream.partition}:0` }
    })
  }

  #whenDurable(
    found: Found,
    taskId: TaskId,
    answer: Answer,
    of: (task: LiveTask | undefined, stream: TaskStream) => SubmitAnswer,
  ): void {
    if (found.type === 'failed') return answer({ type: 'failed', fault: found.fault.detail })
    if (found.type === 'none') return answer({ type: 'failed', fault: databaseUnavailable })
    if (found.type === 'archived') return answer({ type: 'failed', fault: taskArchived(taskId, found.task) })
    const { stream } = found
    this.#parts.runtime.afterPending(stream, (settled) => {
      if (settled?.type === 'lost') answer({ type: 'failed', fault: commitLost(settled.message) })
      else answer(of(durableTask(stream), stream))
    })
  }
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
const submitCommand = (
  submission: Submission,
  record: TemplateRecord,
  identity: IdentityRow | undefined,
  at: SubmitTask['at'],
): SubmitTask => {
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
  if (submission.child !== undefined) command.parent = submission.child.parent
  if (submission.parentCorrelationId !== undefined) command.parentCorrelationId = submission.parentCorrelationId
  if (submission.initiator !== undefined) command.initiator = submission.initiator
  if (submission.sourceSystem !== undefined) command.sourceSystem = submission.sourceSystem
  if (submission.reason !== undefined) command.reason = submission.reason
  if (submission.idempotencyKey !== undefined) command.idempotencyKey = submission.idempotencyKey
  else if (identity !== undefined) command.identity = identity.scope
  if (submission.runAt !== undefined) command.runAt = submission.runAt
  else if (submission.delayMs !== undefined) command.runAt = later(at, submission.delayMs)
  return command
}
