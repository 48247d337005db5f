/**
 * Every change of status that an event can make: of a step, and of the task's phase. The tests draw this table and show that `evolve`
 * makes each of these changes and no other.
 */
import type { TaskEventType } from './events.js'
import type { StepStatus, TaskPhase } from './state.js'

export type StepEventType = Extract<TaskEventType, `step.${string}`>

type Changes<From extends string, To extends string> = { readonly [Status in From]?: readonly To[] }

/**
 * Between a failed or released attempt and the event after it in the same commit, the step is `pending`: that event says whether it
 * waits for a retry, is ready again or is cancelled. The run of a durable function is `pending` while it is suspended.
 */
export const STEP_TRANSITIONS: { readonly [Type in StepEventType]: Changes<StepStatus, StepStatus> } = {
  'step.admitted': { enqueued: ['enqueued'] },
  'step.scheduled': { pending: ['enqueued'], waiting_for_retry: ['enqueued'], complete: ['enqueued'] },
  'step.started': { enqueued: ['in_progress'] },
  'step.released': { in_progress: ['pending'] },
  'step.suspended': { in_progress: ['pending'] },
  'step.checkpointed': { in_progress: ['in_progress'] },
  'step.completed': { in_progress: ['complete', 'compensated'] },
  'step.failed': { pending: ['error'], in_progress: ['pending', 'error'] },
  'step.timed_out': { in_progress: ['pending', 'error'], enqueued: ['error'], waiting_for_retry: ['error'] },
  'step.retry_scheduled': { pending: ['waiting_for_retry'] },
  'step.skipped': { pending: ['skipped'] },
  'step.cancelled': {
    pending: ['cancelled'],
    enqueued: ['cancelled'],
    in_progress: ['cancelled'],
    waiting_for_retry: ['cancelled'],
  },
  'step.reset_for_retry': { error: ['pending'], cancelled: ['pending'] },
  'step.resolved_manually': {
    pending: ['resolved_manually'],
    enqueued: ['resolved_manually'],
    in_progress: ['resolved_manually'],
    waiting_for_retry: ['resolved_manually'],
    error: ['resolved_manually'],
    cancelled: ['resolved_manually'],
  },
  'step.completed_manually': {
    pending: ['complete'],
    enqueued: ['complete', 'compensated'],
    in_progress: ['complete', 'compensated'],
    waiting_for_retry: ['complete', 'compensated'],
    error: ['complete', 'compensated'],
    cancelled: ['complete'],
  },
  'step.result_ignored': {
    pending: ['pending'],
    enqueued: ['enqueued'],
    in_progress: ['in_progress'],
    waiting_for_retry: ['waiting_for_retry'],
    complete: ['complete'],
    error: ['error'],
    cancelled: ['cancelled'],
    resolved_manually: ['resolved_manually'],
    compensated: ['compensated'],
  },
}

/** `none` is a stream without events. A task without steps completes at once, or when its start time comes. */
export const PHASE_TRANSITIONS: { readonly [Type in TaskEventType]: Changes<TaskPhase | 'none', TaskPhase> } = {
  'task.submitted': { none: ['running', 'waiting'] },
  // A durable function that is cancelled may call handlers while it cleans up.
  'steps.created': { running: ['running'], waiting: ['waiting'], cancelling: ['cancelling'] },
  'step.scheduled': {
    waiting: ['running'],
    running: ['running'],
    cancelling: ['cancelling'],
    compensating: ['compensating'],
  },
  'step.admitted': { running: ['running'] },
  'step.started': { running: ['running'], cancelling: ['cancelling'], compensating: ['compensating'] },
  'step.suspended': { running: ['running'], cancelling: ['cancelling'] },
  'step.released': { running: ['running'], cancelling: ['cancelling'], compensating: ['compensating'] },
  'step.checkpointed': { running: ['running'], cancelling: ['cancelling'], compensating: ['compensating'] },
  'step.completed': { running: ['running'], cancelling: ['cancelling'], compensating: ['compensating'] },
  'step.failed': {
    waiting: ['running'],
    running: ['running'],
    cancelling: ['cancelling'],
    compensating: ['compensating'],
  },
  'step.timed_out': { running: ['running'], cancelling: ['cancelling'], compensating: ['compensating'] },
  'step.retry_scheduled': { running: ['running'], cancelling: ['cancelling'], compensating: ['compensating'] },
  'step.skipped': { waiting: ['running'], running: ['running'] },
  'step.cancelled': {
    waiting: ['waiting'],
    running: ['running'],
    blocked: ['blocked'],
    cancelling: ['cancelling'],
    compensating: ['compensating'],
  },
  'step.reset_for_retry': { running: ['running'], blocked: ['running', 'compensating'], compensating: ['compensating'] },
  'step.resolved_manually': {
    waiting: ['waiting'],
    running: ['running'],
    blocked: ['running', 'compensating'],
    compensating: ['compensating'],
  },
  'step.completed_manually': {
    waiting: ['waiting'],
    running: ['running'],
    blocked: ['running', 'compensating'],
    compensating: ['compensating'],
  },
  'step.result_ignored': {
    running: ['running'],
    blocked: ['blocked'],
    cancelling: ['cancelling'],
    compensating: ['compensating'],
  },
  // A durable function that is cancelled goes on until it has cleaned up.
  'effect.recorded': { running: ['running'], cancelling: ['cancelling'] },
  'timer.started': { running: ['running'], cancelling: ['cancelling'] },
  'timer.fired': { running: ['running'], cancelling: ['cancelling'] },
  'timer.cancelled': { running: ['running'], cancelling: ['cancelling'] },
  'signal.received': { waiting: ['waiting'], running: ['running'], cancelling: ['cancelling'] },
  'update.received': { waiting: ['waiting'], running: ['running'], cancelling: ['cancelling'] },
  'update.answered': { running: ['running'], cancelling: ['cancelling'] },
  'function.diverged': { running: ['running'], cancelling: ['cancelling'] },
  'function.continued': { running: ['running'] },
  'child.started': { running: ['running'], cancelling: ['cancelling'] },
  'child.ended': { running: ['running'], cancelling: ['cancelling'] },
  'domain_event.recorded': { running: ['running'], cancelling: ['cancelling'] },
  'task.blocked': { running: ['blocked'], compensating: ['blocked'] },
  'task.went_stale': { running: ['running'], blocked: ['blocked'] },
  'task.dead_lettered': {
    waiting: ['waiting'],
    running: ['running'],
    blocked: ['blocked'],
    cancelling: ['cancelling'],
    compensating: ['compensating'],
  },
  'task.dead_letter_updated': {
    waiting: ['waiting'],
    running: ['running'],
    blocked: ['blocked'],
    cancelling: ['cancelling'],
    compensating: ['compensating'],
  },
  'task.cancel_requested': { waiting: ['cancelling'], running: ['cancelling'], blocked: ['cancelling'] },
  'task.cancelled': { cancelling: ['cancelled'], compensating: ['cancelled'] },
  'task.completed': { running: ['completed'], waiting: ['completed'] },
  'task.failed': { waiting: ['failed'], running: ['failed'], blocked: ['failed'], compensating: ['failed'] },
  'task.paused': { waiting: ['waiting'], running: ['running'], blocked: ['blocked'], compensating: ['compensating'] },
  'task.resumed': { waiting: ['waiting'], running: ['running'], blocked: ['blocked'], compensating: ['compensating'] },
  'task.retried': { running: ['running'], blocked: ['running', 'compensating'], compensating: ['compensating'] },
  'task.resolved_manually': { blocked: ['resolved_manually'] },
  'compensation.started': { running: ['compensating'], cancelling: ['compensating'] },
  'compensation.completed': { compensating: ['compensating'] },
  'compensation.failed': { compensating: ['compensating'] },
  // It takes a task that is over out of all phases; see `ArchivedTask`.
  'task.archived': {},
}
