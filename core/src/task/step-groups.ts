/** Which statuses of a step mean the same to a rule. Rules ask here, so that a new status is placed once. */
import { elementAt, unreachable } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import { cleansUp } from './suspended.js'
import { isTakingBack } from './compensation.js'
import type { BatchRun, LiveTask, StepStatus } from './state.js'

/** What depends on the step may go on. */
export const isSatisfied = (status: StepStatus): boolean => {
  switch (status) {
    case 'complete':
    case 'not_taken':
    case 'skipped':
    case 'resolved_manually':
      return true
    case 'uncreated':
    case 'pending':
    case 'enqueued':
    case 'in_progress':
    case 'waiting_for_retry':
    case 'error':
    case 'cancelled':
    case 'compensated':
      return false
    default:
      return unreachable(status)
  }
}

/** What depends on the step may go on: it is satisfied, or failed where the task goes on without it. */
export const letsOthersGoOn = (task: LiveTask, index: number): boolean => {
  const { status } = elementAt(task.steps, index, 'steps')
  return status === 'error' ? goesOnWithout(task, index) : isSatisfied(status)
}

/** Whether the failure of a step holds nobody up. */
export const goesOnWithout = (task: LiveTask, index: number): boolean =>
  elementAt(task.graph.steps, index, 'steps of the graph').onFailure === 'continue' ||
  batchOf(task, index)?.spec.failureStrategy === 'continue_on_failure'

/** The batch that a step is a worker of. */
export const batchOf = ({ batches }: LiveTask, index: number): BatchRun | undefined =>
  batches.find(({ first, ranges }) => index >= first && index < first + ranges.length)

/** How many steps hold nobody up any more: satisfied, failed where the task goes on without them, or not needed by a join. */
export const passedSteps = (task: LiveTask): number => {
  const { counts } = task
  const satisfied = counts.complete + counts.skipped + counts.resolved_manually + counts.not_taken
  return task.plan.plain ? satisfied : satisfied + counts.cancelled + passedErrors(task)
}

const passedErrors = (task: LiveTask): number =>
  task.counts.error === 0 ? 0 : task.steps.filter(({ status }, index) => status === 'error' && goesOnWithout(task, index)).length

/** A step may still run by itself, or may yet be created. */
export const isUnended = (status: StepStatus): boolean => {
  switch (status) {
    case 'uncreated':
    case 'pending':
    case 'enqueued':
    case 'in_progress':
    case 'waiting_for_retry':
      return true
    case 'not_taken':
    case 'complete':
    case 'error':
    case 'cancelled':
    case 'skipped':
    case 'resolved_manually':
    case 'compensated':
      return false
    default:
      return unreachable(status)
  }
}

/** The step exists in this task: people see it in lists. */
export const doesExist = (status: StepStatus): boolean => status !== 'uncreated' && status !== 'not_taken'

/** The indexes of the steps that exist. */
export const existingSteps = ({ steps }: LiveTask): readonly number[] =>
  steps.flatMap(({ status }, index) => (doesExist(status) ? [index] : []))

/** The template of workers that stand in its place. */
export const isReplaced = ({ batches }: LiveTask, index: number): boolean =>
  batches.some(({ spec, ranges }) => spec.workerTemplate === index && ranges.length > 0)

/** The names of the steps that no decision chose and none can any more. */
export const notTakenSteps = (task: LiveTask): readonly StepId[] =>
  task.counts.not_taken === 0
    ? []
    : task.graph.steps.flatMap(({ name }, index) =>
        elementAt(task.steps, index, 'steps').status === 'not_taken' && !isReplaced(task, index) ? [name] : [],
      )

/** The step exists and has not ended: it runs, or may still begin or begin again by itself. */
export const isOpen = (status: StepStatus): boolean => status !== 'uncreated' && isUnended(status)

/** Whether a step may have a time that runs while it waits: the plan says so, and calls of a function say so one by one. */
export const mayBeTimed = ({ plan, graph, journal }: LiveTask): boolean => plan.timed || (journal !== undefined && graph !== plan)

/** Whether steps of the task are given to workers. */
export const mayStart = (task: LiveTask): boolean =>
  (isGoing(task) && task.pace.type === 'going') || (task.phase === 'cancelling' && cleansUp(task))

/** Steps of the task are worked on: it runs, or what it did is taken back. */
export const isGoing = ({ phase }: LiveTask): boolean => phase === 'running' || phase === 'compensating'

/** How many steps are with a worker, wait for one, or wait for a time. */
export const activeSteps = ({ counts }: LiveTask): number => counts.in_progress + counts.enqueued + counts.waiting_for_retry

/**
 * The indexes of the steps whose failure holds others up, in the order of the graph. Failures that hold up none are among them only where
 * nothing else explains why the task cannot go on: a join that too few dependencies satisfied. While a task is taken back, only the ways back
 * hold it up.
 */
export const blockingSteps = (task: LiveTask): readonly number[] => {
  const failed = task.steps.flatMap(({ status }, index) => (status === 'error' ? [index] : []))
  if (task.compensation !== undefined) return failed.filter((index) => isTakingBack(task, index))
  const blocking = failed.filter((index) => !goesOnWithout(task, index))
  return blocking.length > 0 ? blocking : failed
}

/** Their names. */
export const failedSteps = (task: LiveTask): readonly StepId[] =>
  blockingSteps(task).map((index) => elementAt(task.graph.steps, index, 'steps of the graph').name)
