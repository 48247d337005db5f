/** One stored event of a task back into its type, checked member by member; payloads keep their bytes. */
import {
  ARCHIVED_STATUSES,
  type BatchRange,
  type DomainEventRecorded,
  DEAD_LETTER_STATUSES,
  durationMs,
  type EventProblem,
  instant,
  namespaceOf,
  PARENT_CLOSES,
  type ParentLink,
  sliceElements,
  sliceMembers,
  stepId,
  type StepsCreated,
  type TaskArchived,
  type TaskEvent,
  type TaskEventType,
  type TaskId,
  type TaskSubmitted,
  templateHash,
  TIMEOUT_KINDS,
  unreachable,
  WATCHED_STATES,
  workerId,
} from '@tasker/core'
import { UnknownEventError } from './errors.js'
import type { EventFields } from './event-fields.js'
import { readCall } from './call-codec.js'
import { FUNCTION_READERS } from './function-event-reader.js'
import { optional, readFailure } from './read-failure.js'

type Readers = { readonly [Type in TaskEventType]: (fields: EventFields) => Extract<TaskEvent, { readonly type: Type }> }

/** Throws `UnknownEventError` or `CorruptEventError`. */
export const readTaskEvent = (type: string, fields: EventFields): TaskEvent => {
  if (!isTaskEventType(type)) throw new UnknownEventError(type)
  return READERS[type](fields)
}

const isTaskEventType = (type: string): type is TaskEventType => Object.hasOwn(READERS, type)

const READERS: Readers = {
  'task.archived': (f) => archived(f),
  'task.submitted': (f) => submitted(f),
  'steps.created': (f) => stepsCreated(f),
  'step.scheduled': (f) => ({ type: 'step.scheduled', ...attempt(f) }),
  'step.admitted': (f) => ({
    type: 'step.admitted',
    ...attempt(f),
    kind: f.choice('kind', ['concurrency', 'rate']),
    key: f.text('key'),
  }),
  'step.started': (f) => ({ type: 'step.started', ...attempt(f), worker: workerId(f.text('worker')) }),
  'step.released': (f) => ({ type: 'step.released', ...attempt(f), reason: f.text('reason') }),
  'step.suspended': (f) => ({ type: 'step.suspended', ...attempt(f) }),
  'step.checkpointed': (f) => ({
    type: 'step.checkpointed',
    ...attempt(f),
    number: f.number('number'),
    cursor: f.raw('cursor'),
    itemsProcessed: f.number('itemsProcessed'),
    ...optional('accumulated', f.optionalRaw('accumulated')),
  }),
  'step.completed': (f) => ({
    type: 'step.completed',
    ...attempt(f),
    output: f.raw('output'),
    ...optional('metadata', f.optionalRaw('metadata')),
  }),
  'step.failed': (f) => ({
    type: 'step.failed',
    ...attempt(f),
    failure: readFailure(f),
    ...optional('metadata', f.optionalRaw('metadata')),
    permanent: f.flag('permanent'),
  }),
  'step.timed_out': (f) => ({
    type: 'step.timed_out',
    // Events of before there were other kinds do not say it.
    kind: f.optionalText('kind') === undefined ? 'start_to_close' : f.choice('kind', TIMEOUT_KINDS),
    ...attempt(f),
    timeoutMs: durationMs(f.number('timeoutMs')),
    permanent: f.flag('permanent'),
  }),
  'step.retry_scheduled': (f) => ({
    type: 'step.retry_scheduled',
    ...attempt(f),
    dueAt: instant(f.number('dueAt')),
    delayMs: durationMs(f.number('delayMs')),
  }),
  'step.skipped': (f) => ({ type: 'step.skipped', step: stepId(f.text('step')), condition: f.text('condition') }),
  'step.cancelled': (f) => ({ type: 'step.cancelled', step: stepId(f.text('step')) }),
  'step.result_ignored': (f) => ({
    type: 'step.result_ignored',
    ...attempt(f),
    outcome: f.choice('outcome', ['completed', 'failed']),
    reason: f.text('reason'),
  }),
  'domain_event.recorded': (f) => domainEvent(f),
  ...FUNCTION_READERS,
  'task.blocked': (f) => ({ type: 'task.blocked', steps: f.texts('steps').map(stepId) }),
  'task.cancel_requested': (f) => ({
    type: 'task.cancel_requested',
    ...optional('reason', f.optionalText('reason')),
    graceMs: durationMs(f.number('graceMs')),
  }),
  'task.went_stale': (f) => ({
    type: 'task.went_stale',
    state: f.choice('state', WATCHED_STATES),
    ...optional('step', f.optionalText('step') === undefined ? undefined : stepId(f.text('step'))),
    since: instant(f.number('since')),
    thresholdMs: durationMs(f.number('thresholdMs')),
    deadLetter: f.flag('deadLetter'),
  }),
  'task.dead_lettered': (f) => ({
    type: 'task.dead_lettered',
    reason: f.choice('reason', ['worker_unavailable', 'manual_dlq']),
    ...optional('step', f.optionalText('step') === undefined ? undefined : stepId(f.text('step'))),
    ...optional('attempt', f.optionalNumber('attempt')),
    ...remarks(f),
  }),
  'task.dead_letter_updated': (f) => ({
    type: 'task.dead_letter_updated',
    entry: f.number('entry'),
    ...optional('status', f.optionalText('status') === undefined ? undefined : f.choice('status', DEAD_LETTER_STATUSES)),
    ...remarks(f),
  }),
  'task.cancelled': () => ({ type: 'task.cancelled' }),
  'compensation.started': (f) => ({
    type: 'compensation.started',
    cause: f.choice('cause', ['failure', 'cancellation']),
    steps: f.texts('steps').map(stepId),
  }),
  'compensation.completed': () => ({ type: 'compensation.completed' }),
  'compensation.failed': (f) => ({ type: 'compensation.failed', steps: f.texts('steps').map(stepId) }),
  'task.failed': (f) => ({ type: 'task.failed', code: f.text('code'), message: f.text('message') }),
  'task.completed': () => ({ type: 'task.completed' }),
  'task.paused': (f) => ({ type: 'task.paused', ...byOperator(f) }),
  'task.resumed': (f) => ({ type: 'task.resumed', ...byOperator(f) }),
  'task.retried': (f) => ({ type: 'task.retried', steps: f.texts('steps').map(stepId), ...byOperator(f) }),
  'task.resolved_manually': (f) => ({ type: 'task.resolved_manually', ...byOperator(f) }),
  'step.reset_for_retry': (f) => ({ type: 'step.reset_for_retry', step: stepId(f.text('step')), ...byOperator(f) }),
  'step.resolved_manually': (f) => ({ type: 'step.resolved_manually', step: stepId(f.text('step')), ...byOperator(f) }),
  'step.completed_manually': (f) => ({
    type: 'step.completed_manually',
    step: stepId(f.text('step')),
    output: f.raw('output'),
    ...optional('metadata', f.optionalRaw('metadata')),
    ...byOperator(f),
  }),
}

/** What a person says of a dead letter. */
const remarks = (f: EventFields) => ({
  ...optional('by', f.optionalText('by')),
  ...optional('notes', f.optionalText('notes')),
  ...optional('metadata', f.optionalRaw('metadata')),
})

const attempt = (f: EventFields) => ({ step: stepId(f.text('step')), attempt: f.number('attempt') })

const stepsCreated = (f: EventFields): StepsCreated => {
  const type = 'steps.created'
  const segment = f.choice('segment', ['initial', 'decision', 'batches', 'calls'])
  const steps = f.texts('steps').map(stepId)
  const reason = optional('reason', f.optionalText('reason'))
  switch (segment) {
    case 'initial':
      return { type, segment, steps }
    case 'decision':
      return {
        type,
        segment,
        decision: stepId(f.text('decision')),
        chosen: f.texts('chosen').map(stepId),
        steps,
        notTaken: f.texts('notTaken').map(stepId),
        ...reason,
      }
    case 'batches':
      return {
        type,
        segment,
        batchable: stepId(f.text('batchable')),
        steps,
        ranges: f.objects('ranges', sliceElements, sliceMembers).map(range),
        isNoOp: f.flag('isNoOp'),
        ...optional('totalItems', f.optionalNumber('totalItems')),
        ...reason,
      }
    case 'calls':
      return { type, segment, steps, calls: f.objects('calls', sliceElements, sliceMembers).map(readCall) }
    default:
      return unreachable(segment)
  }
}

const range = (f: EventFields): BatchRange => ({
  id: f.text('id'),
  start: f.raw('start'),
  end: f.raw('end'),
  size: f.number('size'),
})

const byOperator = (f: EventFields) => ({
  ...optional('reason', f.optionalText('reason')),
  ...optional('by', f.optionalText('by')),
})

const archived = (f: EventFields): TaskArchived => ({
  type: 'task.archived',
  archive: f.text('archive'),
  versions: f.number('versions'),
  commits: f.number('commits'),
  lastSeq: f.number('lastSeq'),
  lastHash: f.text('lastHash'),
  name: f.text('name'),
  version: f.text('version'),
  status: f.choice('status', ARCHIVED_STATUSES),
  submittedAt: instant(f.number('submittedAt')),
  endedAt: instant(f.number('endedAt')),
  ...optional('identity', f.optionalText('identity')),
})

const submitted = (f: EventFields): TaskSubmitted => {
  const runAt = f.optionalNumber('runAt')
  return {
    type: 'task.submitted',
    namespace: namespaceOf(f.text('namespace')),
    name: f.text('name'),
    version: f.text('version'),
    templateHash: templateHash(f.text('templateHash')),
    context: f.raw('context'),
    priority: f.number('priority'),
    tags: f.texts('tags'),
    correlationId: f.text('correlationId'),
    ...optional('parentCorrelationId', f.optionalText('parentCorrelationId')),
    ...optional('initiator', f.optionalText('initiator')),
    ...optional('sourceSystem', f.optionalText('sourceSystem')),
    ...optional('reason', f.optionalText('reason')),
    ...optional('idempotencyKey', f.optionalText('idempotencyKey')),
    ...optional('fairnessKey', f.optionalText('fairnessKey')),
    ...optional('environment', f.optionalText('environment')),
    ...optional('identity', f.optionalText('identity')),
    ...optional('runAt', runAt === undefined ? undefined : instant(runAt)),
    ...(f.optionalRaw('parent') === undefined ? {} : { parent: parentLink(f.inside('parent', sliceMembers)) }),
  }
}

const parentLink = (f: EventFields): ParentLink => ({
  taskId: f.text('taskId') as TaskId,
  of: f.choice('of', ['function', 'step']),
  key: f.text('key'),
  round: f.number('round'),
  onClose: f.choice('onClose', PARENT_CLOSES),
  depth: f.number('depth'),
})

const domainEvent = (f: EventFields): DomainEventRecorded => ({
  type: 'domain_event.recorded',
  name: f.text('name'),
  ...attempt(f),
  outcome: f.choice('outcome', ['success', 'retryable_failure', 'permanent_failure']),
  delivery: f.choice('delivery', ['durable', 'broadcast']),
  correlationId: f.text('correlationId'),
  template: f.text('template'),
  ...optional('payload', f.optionalRaw('payload')),
  ...optional('metadata', f.optionalRaw('metadata')),
  ...optional('problems', f.optionalList('problems', eventProblem)),
})

const eventProblem = (f: EventFields): EventProblem => ({
  code: f.text('code'),
  path: f.text('path'),
  message: f.text('message'),
})
