/** What the engine and the rows know of tasks, as the messages of `task.proto` spell it. */
import {
  attemptsStarted,
  childrenOf,
  elementAt,
  existingSteps,
  notTakenSteps,
  keyGate,
  taskOverview,
  type StepReadiness,
  stepReadiness,
  outputOf,
  taskStatus,
  unreachable,
  type LiveTask,
  type RecordedTaskEvent,
  type TaskOverview,
  type TaskRow,
} from '@tasker/core'
import type {
  KeyWait,
  ParentTask,
  Step,
  StepReadiness as WireReadiness,
  Task,
  TaskEvent,
  TaskOutcome as WireOutcome,
  TaskOverview as WireOverview,
} from '@tasker/proto'
import { z } from 'zod'
import type { TaskOutcome, TaskSnapshot } from '../engine/api.js'
import type { FaultDetail } from '../faults.js'
import { eventDataText } from '../query/event-data.js'
import { batchAt, checkpointAt } from './batch-message.js'
import { errorDetail } from './errors.js'
import { stepFailure } from './failure.js'
import { payloadOf } from './payload.js'

export const wireTask = ({ taskId, version, state, keyLines }: TaskSnapshot): Task => ({
  taskId,
  namespace: state.submitted.namespace,
  name: state.submitted.name,
  version: state.submitted.version,
  status: taskStatus(state),
  streamVersion: version,
  createdAtMs: state.submittedAt,
  updatedAtMs: state.updatedAt,
  context: payloadOf(state.submitted.context),
  steps: existingSteps(state).map((index) => wireStep(state, index, keyLines)),
  correlationId: state.submitted.correlationId,
  tags: [...state.submitted.tags],
  priority: state.submitted.priority,
  notTaken: [...notTakenSteps(state)],
  templateHash: state.submitted.templateHash,
  environment: state.submitted.environment ?? '',
  idempotencyKey: state.submitted.idempotencyKey ?? '',
  initiator: state.submitted.initiator ?? '',
  sourceSystem: state.submitted.sourceSystem ?? '',
  reason: state.submitted.reason ?? '',
  parentCorrelationId: state.submitted.parentCorrelationId ?? '',
  endedAtMs: state.endedAt ?? 0,
  overview: wireOverview(taskOverview(state)),
  parent: parentOf(state),
  children: childrenOf(state).map(({ step, ...child }) => ({ stepId: step, ...child })),
})

const parentOf = ({ submitted: { parent } }: LiveTask): ParentTask | undefined =>
  parent && {
    taskId: parent.taskId,
    of: parent.of,
    key: parent.key,
    round: parent.round,
    abandoned: parent.onClose === 'abandon',
    depth: parent.depth,
  }

const wireOverview = ({ recommendedAction, ...overview }: TaskOverview): WireOverview => ({
  ...overview,
  recommendedAction: recommendedAction ?? '',
})

export const wireStep = (task: LiveTask, index: number, keyLines: TaskSnapshot['keyLines']): Step => {
  const step = elementAt(task.steps, index, 'a step of the task')
  return {
    stepId: elementAt(task.graph.steps, index, 'a step of the plan').name,
    status: step.status,
    attempts: attemptsStarted(step),
    attemptsSinceReset: step.attemptsSinceReset,
    output: outputPayload(task, index),
    lastFailure: step.lastFailure === undefined ? undefined : stepFailure(step.lastFailure),
    nextRetryAtMs: step.status === 'waiting_for_retry' ? step.dueAt : 0,
    workerId: 'worker' in step ? (step.worker ?? '') : '',
    type: elementAt(task.graph.steps, index, 'a step of the graph').type,
    batch: batchAt(task, index),
    checkpoint: checkpointAt(task, index),
    waitingForKey: task.plan.keyed ? keyWait(task, index, keyLines) : undefined,
    readiness: wireReadiness(stepReadiness(task, index)),
  }
}

const keyWait = (task: LiveTask, index: number, keyLines: TaskSnapshot['keyLines']): KeyWait | undefined => {
  const gate = keyGate(task, index)
  if (gate === undefined) return undefined
  const line = keyLines?.get(elementAt(task.graph.steps, index, 'a step of the plan').name)
  return { kind: gate.kind, key: gate.key, limit: gate.limit, perMs: gate.perMs ?? 0, held: line?.held ?? 0, ahead: line?.ahead }
}

const wireReadiness = (readiness: StepReadiness): WireReadiness => ({
  dependenciesSatisfied: readiness.dependenciesSatisfied,
  retryEligible: readiness.retryEligible,
  readyForExecution: readiness.readyForExecution,
  totalParents: readiness.totalParents,
  completedParents: readiness.completedParents,
  maxAttempts: readiness.maxAttempts,
  lastFailureAtMs: readiness.lastFailureAt ?? 0,
  lastAttemptedAtMs: readiness.lastAttemptedAt ?? 0,
})
const outputPayload = (task: LiveTask, index: number): Step['output'] => {
  const output = outputOf(task, index)
  return output === undefined ? undefined : payloadOf(output)
}

/** A row's steps, as `StepView` of the core writes them. */
const ROW_STEPS = z.array(
  z.object({
    step_id: z.string(),
    status: z.string(),
    attempts: z.number(),
    attempts_since_reset: z.number(),
    next_retry_at: z.string().optional(),
    last_failure: z
      .object({ message: z.string(), error_type: z.string(), code: z.string().optional(), retryable: z.boolean() })
      .optional(),
    worker_id: z.string().optional(),
    waiting_for_key: z.object({ kind: z.string(), key: z.string(), limit: z.number(), per_ms: z.number().optional() }).optional(),
  }),
)

/** A row of a list: without context and outputs, and with failures less their stacks. */
export const wireRow = (row: TaskRow): Task => ({
  taskId: row.taskId,
  namespace: row.namespace,
  name: row.name,
  version: row.version,
  status: row.status,
  streamVersion: row.streamVersion,
  createdAtMs: row.createdAt,
  updatedAtMs: row.updatedAt,
  context: undefined,
  steps: ROW_STEPS.parse(JSON.parse(row.steps)).map(wireRowStep),
  correlationId: row.correlationId,
  tags: [...row.tags],
  priority: row.priority,
  notTaken: [],
  templateHash: '',
  environment: '',
  idempotencyKey: '',
  initiator: row.initiator ?? '',
  sourceSystem: row.sourceSystem ?? '',
  reason: row.reason ?? '',
  parentCorrelationId: '',
  endedAtMs: row.endedAt ?? 0,
  overview: undefined,
  parent: undefined,
  children: [],
})

const wireRowStep = (step: z.infer<typeof ROW_STEPS>[number]): Step => ({
  stepId: step.step_id,
  status: step.status,
  attempts: step.attempts,
  attemptsSinceReset: step.attempts_since_reset,
  output: undefined,
  lastFailure:
    step.last_failure === undefined
      ? undefined
      : {
          message: step.last_failure.message,
          errorType: step.last_failure.error_type,
          code: step.last_failure.code ?? '',
          retryable: step.last_failure.retryable,
          retryAfterMs: 0,
          stack: '',
        },
  nextRetryAtMs: step.next_retry_at === undefined ? 0 : Date.parse(step.next_retry_at),
  workerId: step.worker_id ?? '',
  type: '',
  batch: undefined,
  checkpoint: undefined,
  waitingForKey:
    step.waiting_for_key === undefined
      ? undefined
      : { ...step.waiting_for_key, perMs: step.waiting_for_key.per_ms ?? 0, held: 0, ahead: undefined },
  readiness: undefined,
})

export const wireEvent = ({ version, at, event, cause }: RecordedTaskEvent): TaskEvent => ({
  version,
  type: event.type,
  atMs: at,
  actor: cause.actor,
  data: payloadOf(eventDataText(event)),
})

/** How a wait for a task's outcome ended. */
export type WaitEnd = TaskOutcome | { readonly type: 'failed'; readonly fault: FaultDetail }

export const wireOutcome = (taskId: string, end: WaitEnd): WireOutcome => {
  switch (end.type) {
    case 'completed':
      return { taskId, outcome: { $case: 'completed', value: payloadOf(end.result) } }
    case 'cancelled':
      return { taskId, outcome: { $case: 'cancelled', value: { reason: end.reason ?? '' } } }
    case 'ended_in_failure':
      return { taskId, outcome: { $case: 'failed', value: { code: end.code, message: end.message } } }
    case 'resolved_manually':
      return { taskId, outcome: { $case: 'resolvedManually', value: { reason: end.reason ?? '' } } }
    case 'blocked':
      return {
        taskId,
        outcome: {
          $case: 'blocked',
          value: { steps: end.steps.map(({ step, failure }) => ({ stepId: step, failure: stepFailure(failure) })) },
        },
      }
    case 'failed':
      return { taskId, outcome: { $case: 'error', value: errorDetail(end.fault) } }
    default:
      return unreachable(end)
  }
}

/** About how many characters the outcome holds; bytes are up to three times as many. */
export const outcomeChars = (end: WaitEnd): number => (end.type === 'completed' ? end.result.length : OUTCOME_CHARS_BASE)

const OUTCOME_CHARS_BASE = 128

/** An outcome that no message can hold. */
export const outcomeTooLarge = (bytesMax: number): WaitEnd => ({
  type: 'failed',
  fault: {
    code: 'TOO_LARGE',
    reason: 'OUTCOME_TOO_LARGE',
    message: `the task's result has more than the ${bytesMax} bytes that a message may have`,
    hint: 'read it over REST: GET /v1/tasks/{id}/result',
    retryable: false,
  },
})
