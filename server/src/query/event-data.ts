/** An event's data as readers see it: one JSON object in snake_case, instants as RFC 3339 text, payloads spliced byte for byte. */
import {
  attemptsAllowed,
  type BatchRange,
  type CallOf,
  callTarget,
  type DomainEventRecorded,
  type EffectOutcome,
  type EffectRecorded,
  type Failure,
  type FunctionEvent,
  type Instant,
  instantText,
  type JsonText,
  type ParentLink,
  jsonOf,
  type StepsCreated,
  type TaskArchived,
  type TaskSubmitted,
  type TaskEvent,
  trustedJson,
  type UpdateOutcome,
  unreachable,
} from '@tasker/core'

/** A field without a value is left out. */
export const eventDataText = (event: TaskEvent): JsonText => objectOf(eventFields(event))

type Fields = readonly (readonly [name: string, value: JsonText | undefined])[]

const eventFields = (event: TaskEvent): Fields => {
  switch (event.type) {
    case 'task.submitted':
      return submittedFields(event)
    case 'steps.created':
      return createdFields(event)
    case 'task.went_stale':
    case 'task.dead_lettered':
    case 'task.dead_letter_updated':
      return letterFields(event)
    case 'compensation.started':
      return [
        ['cause', text(event.cause)],
        ['steps', jsonOf(event.steps)],
      ]
    case 'task.blocked':
    case 'compensation.failed':
      return [['steps', jsonOf(event.steps)]]
    case 'task.cancel_requested':
      return [
        ['reason', text(event.reason)],
        ['grace_ms', jsonOf(event.graceMs)],
      ]
    case 'task.failed':
      return [
        ['code', text(event.code)],
        ['message', text(event.message)],
      ]
    case 'task.paused':
    case 'task.resumed':
    case 'task.resolved_manually':
      return byOperator(event)
    case 'task.retried':
      return [['steps', jsonOf(event.steps)], ...byOperator(event)]
    case 'step.reset_for_retry':
    case 'step.resolved_manually':
      return [['step_id', text(event.step)], ...byOperator(event)]
    case 'step.completed_manually':
      return [['step_id', text(event.step)], ['output', event.output], ['metadata', event.metadata], ...byOperator(event)]
    case 'task.archived':
      return archivedFields(event)
    case 'task.cancelled':
    case 'task.completed':
    case 'compensation.completed':
      return []
    case 'step.skipped':
      return [
        ['step_id', text(event.step)],
        ['condition', text(event.condition)],
      ]
    case 'domain_event.recorded':
      return domainEventFields(event)
    case 'step.cancelled':
      return [['step_id', text(event.step)]]
    case 'step.scheduled':
    case 'step.admitted':
    case 'step.started':
    case 'step.released':
    case 'step.suspended':
    case 'step.checkpointed':
    case 'step.completed':
    case 'step.failed':
    case 'step.timed_out':
    case 'step.retry_scheduled':
    case 'step.result_ignored':
      return [['step_id', text(event.step)], ['attempt', jsonOf(event.attempt)], ...attemptFields(event)]
    default:
      return functionFields(event)
  }
}

const archivedFields = (event: TaskArchived): Fields => [
  ['archive', text(event.archive)],
  ['versions', jsonOf(event.versions)],
  ['commits', jsonOf(event.commits)],
  ['last_seq', jsonOf(event.lastSeq)],
  ['last_hash', text(event.lastHash)],
  ['name', text(event.name)],
  ['version', text(event.version)],
  ['status', text(event.status)],
  ['submitted_at', at(event.submittedAt)],
  ['ended_at', at(event.endedAt)],
  ['identity', text(event.identity)],
]

const submittedFields = (event: TaskSubmitted): Fields => [
  ['namespace', text(event.namespace)],
  ['name', text(event.name)],
  ['version', text(event.version)],
  ['template_hash', text(event.templateHash)],
  ['environment', text(event.environment)],
  ['priority', jsonOf(event.priority)],
  ['tags', jsonOf(event.tags)],
  ['correlation_id', text(event.correlationId)],
  ['parent_correlation_id', text(event.parentCorrelationId)],
  ['initiator', text(event.initiator)],
  ['source_system', text(event.sourceSystem)],
  ['reason', text(event.reason)],
  ['idempotency_key', text(event.idempotencyKey)],
  ['fairness_key', text(event.fairnessKey)],
  ['identity', text(event.identity)],
  ['run_at', at(event.runAt)],
  ['parent', event.parent === undefined ? undefined : parentText(event.parent)],
  ['context', event.context],
]

/** The task that began another, as every answer shows it. */
export const parentText = ({ taskId, of, key, round, onClose, depth }: ParentLink): JsonText =>
  jsonOf({ task_id: taskId, of, key, round, on_parent_close: onClose, depth })

const createdFields = (event: StepsCreated): Fields => {
  const segment = [['segment', text(event.segment)] as const]
  const steps = ['steps', jsonOf(event.steps)] as const
  switch (event.segment) {
    case 'initial':
      return [...segment, steps]
    case 'decision':
      return [
        ...segment,
        ['decision', text(event.decision)],
        ['chosen', jsonOf(event.chosen)],
        steps,
        ['not_taken', jsonOf(event.notTaken)],
        ['reason', text(event.reason)],
      ]
    case 'batches':
      return [
        ...segment,
        ['batchable', text(event.batchable)],
        steps,
        ['is_no_op', jsonOf(event.isNoOp)],
        ['total_items', event.totalItems === undefined ? undefined : jsonOf(event.totalItems)],
        ['reason', text(event.reason)],
        ['batches', trustedJson(`[${event.ranges.map(rangeText).join(',')}]`)],
      ]
    case 'calls':
      return [...segment, steps, ['calls', trustedJson(`[${event.calls.map(callText).join(',')}]`)]]
    default:
      return unreachable(event)
  }
}

const callText = (call: CallOf): JsonText =>
  objectOf([
    ['key', text(call.key)],
    ['handler', text(callTarget(call))],
    ['timeout_ms', jsonOf(call.timeoutMs)],
    ['max_attempts', jsonOf(call.retry.retryable ? attemptsAllowed(call.retry) : 1)],
    ['priority', call.priority === 0 ? undefined : jsonOf(call.priority)],
    ['input', call.input],
  ])

const rangeText = ({ id, start, end, size }: BatchRange): JsonText =>
  objectOf([
    ['id', text(id)],
    ['start', start],
    ['end', end],
    ['size', jsonOf(size)],
  ])

type LetterEvent = Extract<TaskEvent, { readonly type: 'task.went_stale' | 'task.dead_lettered' | 'task.dead_letter_updated' }>

const letterFields = (event: LetterEvent): Fields => {
  switch (event.type) {
    case 'task.went_stale':
      return [
        ['state', text(event.state)],
        ['step_id', text(event.step)],
        ['since', at(event.since)],
        ['threshold_ms', jsonOf(event.thresholdMs)],
        ['dead_letter', jsonOf(event.deadLetter)],
      ]
    case 'task.dead_lettered':
      return [
        ['reason', text(event.reason)],
        ['step_id', text(event.step)],
        ['attempt', event.attempt === undefined ? undefined : jsonOf(event.attempt)],
        ...remarks(event),
      ]
    case 'task.dead_letter_updated':
      return [['entry', jsonOf(event.entry)], ['resolution_status', text(event.status)], ...remarks(event)]
    default:
      return unreachable(event)
  }
}

/** What a person says of a dead letter. */
const remarks = (event: { readonly by?: string; readonly notes?: string; readonly metadata?: JsonText }): Fields => [
  ['by', text(event.by)],
  ['notes', text(event.notes)],
  ['metadata', event.metadata],
]

const byOperator = ({ reason, by }: { readonly reason?: string; readonly by?: string }): Fields => [
  ['reason', text(reason)],
  ['by', text(by)],
]

type AttemptEvent = Extract<TaskEvent, { readonly type: `step.${string}`; readonly attempt: number }>

const attemptFields = (event: AttemptEvent): Fields => {
  switch (event.type) {
    case 'step.scheduled':
    case 'step.suspended':
      return []
    case 'step.admitted':
      return [
        ['kind', text(event.kind)],
        ['key', text(event.key)],
      ]
    case 'step.started':
      return [['worker_id', text(event.worker)]]
    case 'step.released':
      return [['reason', text(event.reason)]]
    case 'step.checkpointed':
      return [
        ['number', jsonOf(event.number)],
        ['items_processed', jsonOf(event.itemsProcessed)],
        ['cursor', event.cursor],
        ['accumulated', event.accumulated],
      ]
    case 'step.completed':
      return [
        ['output', event.output],
        ['metadata', event.metadata],
      ]
    case 'step.failed':
      return [
        ['failure', failureText(event.failure)],
        ['metadata', event.metadata],
        ['permanent', jsonOf(event.permanent)],
      ]
    case 'step.timed_out':
      return [
        ['kind', text(event.kind)],
        ['timeout_ms', jsonOf(event.timeoutMs)],
        ['permanent', jsonOf(event.permanent)],
      ]
    case 'step.retry_scheduled':
      return [
        ['next_retry_at', at(event.dueAt)],
        ['delay_ms', jsonOf(event.delayMs)],
      ]
    case 'step.result_ignored':
      return [
        ['outcome', text(event.outcome)],
        ['reason', text(event.reason)],
      ]
    default:
      return unreachable(event)
  }
}

const domainEventFields = (event: DomainEventRecorded): Fields => [
  ['name', text(event.name)],
  ['step_id', text(event.step)],
  ['attempt', jsonOf(event.attempt)],
  ['outcome', text(event.outcome)],
  ['delivery', text(event.delivery)],
  ['correlation_id', text(event.correlationId)],
  ['template', text(event.template)],
  ['payload', event.payload],
  ['metadata', event.metadata],
  [
    'problems',
    event.problems === undefined ? undefined : jsonOf(event.problems.map(({ code, path, message }) => ({ code, path, message }))),
  ],
]

const functionFields = (event: FunctionEvent): Fields => {
  switch (event.type) {
    case 'effect.recorded':
      return [['kind', text(event.kind)], ['key', text(event.key)], ...effectFields(event)]
    case 'timer.started':
      return [
        ['kind', text(event.kind)],
        ['key', text(event.key)],
        ['due_at', at(event.dueAt)],
      ]
    case 'timer.fired':
    case 'timer.cancelled':
      return [
        ['kind', text(event.kind)],
        ['key', text(event.key)],
      ]
    case 'signal.received':
      return [
        ['name', text(event.name)],
        ['number', jsonOf(event.number)],
        ['request_id', text(event.requestId)],
        ['payload', event.payload],
      ]
    case 'update.received':
      return [
        ['id', text(event.id)],
        ['name', text(event.name)],
        ['payload', event.payload],
      ]
    case 'update.answered':
      return [['id', text(event.id)], ...answerFields(event.outcome)]
    case 'function.diverged':
      return [
        ['expected', text(event.expected)],
        ['actual', text(event.actual)],
        ['line', text(event.line)],
      ]
    case 'function.continued':
      return [
        ['unread', jsonOf(event.unread)],
        ['input', event.input],
      ]
    case 'child.started':
      return [
        ['key', text(event.key)],
        ['task_id', text(event.taskId)],
        ['namespace', text(event.namespace)],
        ['name', text(event.name)],
        ['version', text(event.version)],
        ['on_parent_close', text(event.onClose)],
        ['input', event.input],
      ]
    case 'child.ended':
      return [['key', text(event.key)], ['task_id', text(event.taskId)], ...outcomeFields(event.outcome)]
    default:
      return unreachable(event)
  }
}

const outcomeFields = (outcome: EffectOutcome): Fields => [
  ['outcome', text(outcome.type)],
  ['result', outcome.type === 'succeeded' ? outcome.result : undefined],
  ['failure', outcome.type === 'failed' ? failureText(outcome.failure) : undefined],
]

const effectFields = (event: EffectRecorded): Fields => {
  switch (event.kind) {
    case 'step':
    case 'send':
      return outcomeFields(event.outcome)
    case 'state':
      return [['value', event.value]]
    case 'patch':
      return []
    default:
      return unreachable(event)
  }
}

const answerFields = (outcome: UpdateOutcome): Fields => [
  ['outcome', text(outcome.type)],
  ['result', outcome.type === 'succeeded' ? outcome.result : undefined],
  ['failure', outcome.type === 'succeeded' ? undefined : failureText(outcome.failure)],
]

/** A failure as every answer shows it. */
export const failureText = (failure: Failure): JsonText =>
  objectOf([
    ['message', text(failure.message)],
    ['error_type', text(failure.errorType)],
    ['code', text(failure.code)],
    ['retryable', jsonOf(failure.retryable)],
    ['retry_after_ms', failure.retryAfterMs === undefined ? undefined : jsonOf(failure.retryAfterMs)],
    ['stack', text(failure.stack)],
  ])

const text = (value: string | undefined): JsonText | undefined => (value === undefined ? undefined : jsonOf(value))

const at = (value: Instant | undefined): JsonText | undefined => (value === undefined ? undefined : jsonOf(instantText(value)))

const objectOf = (fields: Fields): JsonText => {
  const members = fields.flatMap(([name, value]) => (value === undefined ? [] : [`"${name}":${value}`]))
  return trustedJson(`{${members.join(',')}}`)
}
