/** One task, read from its stream, as JSON text: context, outputs and result are spliced in byte for byte. */
import {
  batchOf,
  childrenOf,
  type ChildView,
  elementAt,
  existingSteps,
  instantText,
  JSON_NULL,
  type JsonText,
  jsonOf,
  type LiveTask,
  notTakenSteps,
  stepReadiness,
  outputOf,
  stepViewText,
  taskOverview,
  taskResult,
  taskStatus,
  trustedJson,
} from '@tasker/core'
import type { TaskSnapshot } from '../../engine/api.js'
import { parentText } from '../../query/event-data.js'
import { asOf } from './as-of.js'
import { arrayText, atOrNull, objectText, textOrNull } from '../json-text.js'

/** The task with its context, its steps and their outputs, and its result once it is complete. */
export const taskText = (snapshot: TaskSnapshot): JsonText => {
  const { taskId, version, state, keyLines } = snapshot
  return objectText({
    ...asOfMember(snapshot),
    ...summaryMembers(taskId, version, state),
    context: state.submitted.context,
    result: resultOrNull(state),
    steps: arrayText(existingSteps(state).map((index) => stepText(state, index, keyLines))),
  })
}

/** Nothing for a task as it is now. */
export const asOfMember = (snapshot: TaskSnapshot): { readonly as_of?: JsonText } => {
  const moment = asOf(snapshot)
  return moment === undefined ? {} : { as_of: jsonOf(moment) }
}

/** The task without payloads, and how many of its steps are in each status. */
export const taskSummaryText = ({ taskId, version, state }: TaskSnapshot): JsonText =>
  objectText({
    ...summaryMembers(taskId, version, state),
    step_counts: jsonOf(stepCounts(state)),
    not_taken: jsonOf(notTakenSteps(state)),
    steps: arrayText(existingSteps(state).map((index) => stepViewText(state, index))),
  })

/** Templates of workers count as not taken only where no workers stand in their place. */
const stepCounts = (state: LiveTask): LiveTask['counts'] => ({ ...state.counts, not_taken: notTakenSteps(state).length })

const summaryMembers = (taskId: string, version: number, state: LiveTask): { readonly [name: string]: JsonText } => {
  const { submitted, cancel, pace } = state
  return {
    task_id: jsonOf(taskId),
    namespace: jsonOf(submitted.namespace),
    name: jsonOf(submitted.name),
    version: jsonOf(submitted.version),
    status: jsonOf(taskStatus(state)),
    priority: jsonOf(submitted.priority),
    tags: jsonOf(submitted.tags),
    initiator: textOrNull(submitted.initiator),
    source_system: textOrNull(submitted.sourceSystem),
    reason: textOrNull(submitted.reason),
    correlation_id: jsonOf(submitted.correlationId),
    parent_correlation_id: textOrNull(submitted.parentCorrelationId),
    idempotency_key: textOrNull(submitted.idempotencyKey),
    template_hash: jsonOf(submitted.templateHash),
    environment: textOrNull(submitted.environment),
    run_at: atOrNull(submitted.runAt),
    parent: submitted.parent === undefined ? JSON_NULL : parentText(submitted.parent),
    children: jsonOf(childrenOf(state).map(childView)),
    created_at: jsonOf(instantText(state.submittedAt)),
    updated_at: jsonOf(instantText(state.updatedAt)),
    ended_at: atOrNull(state.endedAt),
    stream_version: jsonOf(version),
    cancel_reason: textOrNull(cancel?.reason),
    pause_reason: textOrNull(pace.type === 'paused' ? pace.reason : undefined),
    resolve_reason: textOrNull(state.resolvedReason),
    ...overviewMembers(state),
  }
}

const childView = ({ taskId, of, step, key, name, outcome }: ChildView) => ({
  task_id: taskId,
  of,
  step_id: step,
  key,
  name,
  outcome,
})

const overviewMembers = (state: LiveTask): { readonly [name: string]: JsonText } => {
  const overview = taskOverview(state)
  return {
    total_steps: jsonOf(overview.totalSteps),
    pending_steps: jsonOf(overview.pendingSteps),
    in_progress_steps: jsonOf(overview.inProgressSteps),
    completed_steps: jsonOf(overview.completedSteps),
    failed_steps: jsonOf(overview.failedSteps),
    ready_steps: jsonOf(overview.readySteps),
    completion_percentage: jsonOf(overview.completionPercentage),
    execution_status: jsonOf(overview.executionStatus),
    recommended_action: textOrNull(overview.recommendedAction),
    health_status: jsonOf(overview.healthStatus),
  }
}

/** A step as rows show it, and beside that what is declared of it, the stack of its last failure and its output. */
export const stepText = (state: LiveTask, index: number, keyLines?: TaskSnapshot['keyLines']): JsonText => {
  const step = elementAt(state.steps, index, 'steps')
  const spec = elementAt(state.graph.steps, index, 'steps of the graph')
  const line = keyLines?.get(spec.name)
  const readiness = stepReadiness(state, index)
  const declared = objectText({
    type: jsonOf(spec.type),
    handler: jsonOf(spec.handler.callable),
    dependencies: jsonOf(spec.dependencies),
    max_attempts: jsonOf(readiness.maxAttempts),
    timeout_ms: jsonOf(spec.timeoutMs),
    dependencies_satisfied: jsonOf(readiness.dependenciesSatisfied),
    retry_eligible: jsonOf(readiness.retryEligible),
    ready_for_execution: jsonOf(readiness.readyForExecution),
    total_parents: jsonOf(readiness.totalParents),
    completed_parents: jsonOf(readiness.completedParents),
    last_failure_at: atOrNull(readiness.lastFailureAt),
    last_attempted_at: atOrNull(readiness.lastAttemptedAt),
    last_failure_stack: textOrNull(step.lastFailure?.stack),
    batch: batchText(state, index),
    checkpoint: checkpointText(state, index),
    ...(line === undefined ? {} : { key_line: jsonOf({ held: line.held, ahead: line.ahead ?? null }) }),
    output: outputOf(state, index) ?? JSON_NULL,
  })
  return trustedJson(`${stepViewText(state, index).slice(0, -1)},${declared.slice(1)}`)
}

/** The range of a worker of a batch. */
const batchText = (state: LiveTask, index: number): JsonText => {
  const run = batchOf(state, index)
  if (run === undefined) return JSON_NULL
  const { id, start, end, size } = elementAt(run.ranges, index - run.first, 'the range of a worker')
  return objectText({ id: jsonOf(id), start, end, size: jsonOf(size), is_no_op: jsonOf(run.isNoOp) })
}

/** What attempts of an unfinished step saved last. */
const checkpointText = (state: LiveTask, index: number): JsonText => {
  const saved = state.checkpoints.get(index)
  if (saved === undefined) return JSON_NULL
  const { attempt, number, cursor, itemsProcessed, accumulated = JSON_NULL } = saved
  return objectText({
    attempt: jsonOf(attempt),
    number: jsonOf(number),
    cursor,
    items_processed: jsonOf(itemsProcessed),
    accumulated,
  })
}

const resultOrNull = (state: LiveTask): JsonText => (state.phase === 'completed' ? taskResult(state) : JSON_NULL)
