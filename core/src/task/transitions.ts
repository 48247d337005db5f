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
 * waits for a retry, is ready again or is cancelled.
 */
export const STEP_TRANSITIONS: { readonly [Type in StepEventType]: Changes<StepStatus, StepStatus> } = {
  'step.scheduled': { pending: ['enqueued'], waiting_for_retry: ['enqueued'] },
  'step.admitted': { enqueued: ['enqueued'] },
  'step.started': { enqueued: ['in_progress'] },
  'step.released': { in_progress: ['pending'] },
  'step.checkpointed': { in_progress: ['in_progress'] },
  'step.completed': { in_progress: ['complete'] },
  'step.failed': { pending: ['error'], in_progress: ['pending', 'error'] },
  'step.timed_out': { in_progress: ['pending', 'error'] },
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
    enqueued: ['complete'],
    in_progress: ['complete'],
    waiting_for_retry: ['complete'],
    error: ['complete'],
    cancelled: ['complete'],
  },
  'step.result_ignored': {
    enqueued: ['enqueued'],
    in_progress: ['in_progress'],
    waiting_for_retry: ['waiting_for_retry'],
    complete: ['complete'],
    error: ['error'],
    cancelled: ['cancelled'],
    resolved_manually: ['resolved_manually'],
  },
}

/** `none` is a stream without events. A task without steps completes at once, or when its start time comes. */
export const PHASE_TRANSITIONS: { readonly [Type in TaskEventType]: Changes<TaskPhase | 'none', TaskPhase> } = {
  'task.submitted': { none: ['running', 'waiting'] },
  'steps.created': { running: ['running'], waiting: ['waiting'] },
  'step.scheduled': { waiting: ['running'], running: ['running'] },
  'step.admitted': { running: ['running'] },
  'step.started': { running: ['running'] },
  'step.released': { running: ['running'], cancelling: ['cancelling'] },
  'step.checkpointed': { running: ['running'], cancelling: ['cancelling'] },
  'step.completed': { running: ['running'], cancelling: ['cancelling'] },
  'step.failed': { waiting: ['running'], running: ['running'], cancelling: ['cancelling'] },
  'step.timed_out': { running: ['running'], cancelling: ['cancelling'] },
  'step.retry_scheduled': { running: ['running'] },
  'step.skipped': { waiting: ['running'], running: ['running'] },
  'step.cancelled': { waiting: ['waiting'], running: ['running'], blocked: ['blocked'], cancelling: ['cancelling'] },
  'step.reset_for_retry': { running: ['running'], blocked: ['running'] },
  'step.resolved_manually': { waiting: ['waiting'], running: ['running'], blocked: ['running'] },
  'step.completed_manually': { waiting: ['waiting'], running: ['running'], blocked: ['running'] },
  'step.result_ignored': { running: ['running'], blocked: ['blocked'], cancelling: ['cancelling'] },
  'domain_event.recorded': { running: ['running'], cancelling: ['cancelling'] },
  'task.blocked': { running: ['blocked'] },
  'task.went_stale': { running: ['running'], blocked: ['blocked'] },
  'task.dead_lettered': {
    waiting: ['waiting'],
    running: ['running'],
    blocked: ['blocked'],
    cancelling: ['cancelling'],
  },
  'task.dead_letter_updated': {
    waiting: ['waiting'],
    running: ['running'],
    blocked: ['blocked'],
    cancelling: ['cancelling'],
  },
  'task.cancel_requested': { waiting: ['cancelling'], running: ['cancelling'], blocked: ['cancelling'] },
  'task.cancelled': { cancelling: ['cancelled'] },
  'task.completed': { running: ['completed'], waiting: ['completed'] },
  'task.failed': { waiting: ['failed'], running: ['failed'], blocked: ['failed'] },
  'task.paused': { waiting: ['waiting'], running: ['running'], blocked: ['blocked'] },
  'task.resumed': { waiting: ['waiting'], running: ['running'], blocked: ['blocked'] },
  'task.retried': { running: ['running'], blocked: ['running'] },
  'task.resolved_manually': { blocked: ['resolved_manually'] },
}
