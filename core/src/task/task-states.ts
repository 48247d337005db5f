/**
 * The next state of a task: one step replaced, one phase entered. Written out in full, because this is the hot path.
 */
import type { Instant } from '../kernel/instant.js'
import { elementAt, invariant } from '../kernel/invariant.js'
import type { TaskFailed } from './events.js'
import type { LiveTask, StepState, StepStatus, TaskPhase } from './state.js'

export const withStep = (task: LiveTask, index: number, from: StepState, to: StepState, at: Instant): LiveTask =>
  replaced(task, task.phase, replacedAt(task.steps, index, to), task.unmet, movedCount(task, from, to), at)

/** A task that waited for its time runs as soon as anything becomes of a step. */
const begunPhase = ({ phase }: LiveTask): TaskPhase => (phase === 'waiting' ? 'running' : phase)

export const scheduledTask = (task: LiveTask, index: number, from: StepState, to: StepState, at: Instant): LiveTask => {
  return replaced(task, begunPhase(task), replacedAt(task.steps, index, to), task.unmet, movedCount(task, from, to), at)
}

/** A step that lets others go on is one dependency less for each that waits for it. */
export const withStepPassed = (task: LiveTask, index: number, to: StepState, at: Instant): LiveTask => {
  const from = elementAt(task.steps, index, 'steps')
  const unmet = unmetWithout(task, elementAt(task.graph.dependents, index, 'dependents'))
  return replaced(task, begunPhase(task), replacedAt(task.steps, index, to), unmet, movedCount(task, from, to), at)
}

export const withPhase = (task: LiveTask, phase: TaskPhase, at: Instant): LiveTask =>
  replaced(task, phase, task.steps, task.unmet, task.counts, at)

export const endedTask = (
  task: LiveTask,
  phase: 'completed' | 'cancelled' | 'failed' | 'resolved_manually',
  at: Instant,
  failed?: TaskFailed,
): LiveTask => ({
  type: 'task',
  phase,
  pace: task.pace,
  plan: task.plan,
  graph: task.graph,
  submitted: task.submitted,
  submittedAt: task.submittedAt,
  updatedAt: at,
  endedAt: at,
  cancel: task.cancel,
  compensation: task.compensation,
  failed,
  resolvedReason: task.resolvedReason,
  steps: task.steps,
  unmet: task.unmet,
  counts: task.counts,
  choices: task.choices,
  batches: task.batches,
  checkpoints: task.checkpoints,
  deadLetters: task.deadLetters,
  journal: task.journal,
})

const replaced = (
  task: LiveTask,
  phase: TaskPhase,
  steps: readonly StepState[],
  unmet: readonly number[],
  counts: LiveTask['counts'],
  at: Instant,
): LiveTask => ({
  type: 'task',
  phase,
  pace: task.pace,
  plan: task.plan,
  graph: task.graph,
  submitted: task.submitted,
  submittedAt: task.submittedAt,
  updatedAt: at,
  endedAt: task.endedAt,
  cancel: task.cancel,
  compensation: task.compensation,
  failed: task.failed,
  resolvedReason: task.resolvedReason,
  steps,
  unmet,
  counts,
  choices: task.choices,
  batches: task.batches,
  checkpoints: task.checkpoints,
  deadLetters: task.deadLetters,
  journal: task.journal,
})

const replacedAt = (steps: readonly StepState[], index: number, step: StepState): readonly StepState[] => {
  const next = steps.slice()
  next[index] = step
  return next
}

const unmetWithout = (task: LiveTask, dependents: readonly number[]): readonly number[] => {
  if (dependents.length === 0) return task.unmet
  const next = task.unmet.slice()
  for (const dependent of dependents) {
    const unmet = elementAt(next, dependent, 'unmet')
    invariant(unmet > 0, 'a step depends on no more steps than it has dependencies')
    next[dependent] = unmet - 1
  }
  return next
}

const movedCount = (task: LiveTask, from: StepState, to: StepState): LiveTask['counts'] => {
  if (from.status === to.status) return task.counts
  const { counts } = task
  const next: { -readonly [Status in StepStatus]: number } = {
    uncreated: counts.uncreated,
    not_taken: counts.not_taken,
    pending: counts.pending,
    enqueued: counts.enqueued,
    in_progress: counts.in_progress,
    waiting_for_retry: counts.waiting_for_retry,
    complete: counts.complete,
    error: counts.error,
    cancelled: counts.cancelled,
    skipped: counts.skipped,
    resolved_manually: counts.resolved_manually,
    compensated: counts.compensated,
  }
  next[from.status] -= 1
  next[to.status] += 1
  return next
}
