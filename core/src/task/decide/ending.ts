/** What follows for the task once a step has ended: nothing, its completion, its block, or the end of its cancellation. */
import { elementAt } from '../../kernel/invariant.js'
import type { StepId } from '../../kernel/ids.js'
import type { TaskEvent } from '../events.js'
import type { LiveTask } from '../state.js'

/** Steps that are with a worker, wait for one, or wait for a time. */
export const activeSteps = (task: LiveTask): number =>
  task.counts.in_progress + task.counts.enqueued + task.counts.waiting_for_retry

/** Adds `task.cancelled` when the step that just ended was the last to run of a task that is being cancelled. */
export const endCancelled = (task: LiveTask, events: TaskEvent[]): void => {
  if (task.counts.in_progress === 1) events.push({ type: 'task.cancelled' })
}

/** Adds `task.blocked` when no step is active and some failed: only a person can help now. */
export const blockIfIdle = (active: number, failed: readonly StepId[], events: TaskEvent[]): void => {
  if (active === 0 && failed.length > 0) events.push({ type: 'task.blocked', steps: failed })
}

/** The names of the steps in error, in plan order; `alsoFailed` is the index of the one that is failing now. */
export const failedSteps = (task: LiveTask, alsoFailed?: number): readonly StepId[] =>
  task.plan.steps.flatMap((spec, index) =>
    index === alsoFailed || elementAt(task.steps, index, 'steps').status === 'error' ? [spec.name] : [],
  )
