/** Which statuses of a step mean the same to a rule. Rules ask here, so that a new status is placed once. */
import { elementAt, unreachable } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import type { LiveTask, StepStatus } from './state.js'

/** What depends on the step may go on. */
export const isSatisfied = (status: StepStatus): boolean => {
  switch (status) {
    case 'complete':
      return true
    case 'pending':
    case 'enqueued':
    case 'in_progress':
    case 'waiting_for_retry':
    case 'error':
    case 'cancelled':
      return false
    default:
      return unreachable(status)
  }
}

/** How many steps are satisfied. */
export const satisfiedSteps = ({ counts }: LiveTask): number => counts.complete

/** How many steps are with a worker, wait for one, or wait for a time. */
export const activeSteps = ({ counts }: LiveTask): number => counts.in_progress + counts.enqueued + counts.waiting_for_retry

/** The names of the steps in error, in the order of the graph; `alsoFailed` is the index of one that is failing now. */
export const failedSteps = (task: LiveTask, alsoFailed?: number): readonly StepId[] =>
  task.graph.steps.flatMap((spec, index) =>
    index === alsoFailed || elementAt(task.steps, index, 'steps').status === 'error' ? [spec.name] : [],
  )
