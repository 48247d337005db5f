/**
 * Cancel: nothing starts any more, and running steps get a grace to finish or stop.
 *
 * Steps that are complete or in error stay what they are: cancelling a task takes nothing back that has happened.
 */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import { LIMITS } from '../../limits.js'
import type { CancelGraceOver, CancelTask } from '../commands.js'
import type { StepCancelled, TaskCancelRequested, TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask, StepStatus } from '../state.js'

const NOT_RUNNING: ReadonlySet<StepStatus> = new Set(['pending', 'enqueued', 'waiting_for_retry'])
const RUNNING: ReadonlySet<StepStatus> = new Set(['in_progress'])

export const decideCancel = (task: LiveTask, command: CancelTask): Decision<TaskEvent, TaskRefusal> => {
  if (task.phase === 'cancelling') return refuse('CANCEL_ALREADY_REQUESTED', 'The task is being cancelled already.')
  const events: TaskEvent[] = [requested(command), ...cancelledSteps(task, NOT_RUNNING)]
  if (task.counts.in_progress === 0) events.push({ type: 'task.cancelled' })
  return { type: 'accepted', events }
}

export const decideCancelGraceOver = (task: LiveTask, command: CancelGraceOver): Decision<TaskEvent, TaskRefusal> => {
  if (task.cancel === undefined) return refuse('NOT_DUE', 'Nobody asked to cancel the task.')
  if (command.at < task.cancel.graceUntil) return refuse('NOT_DUE', 'Running steps of the cancelled task have time left.')
  return { type: 'accepted', events: [...cancelledSteps(task, RUNNING), { type: 'task.cancelled' }] }
}

const requested = ({ reason, graceMs = LIMITS.cancelGraceMs }: CancelTask): TaskCancelRequested =>
  reason === undefined ? { type: 'task.cancel_requested', graceMs } : { type: 'task.cancel_requested', reason, graceMs }

const cancelledSteps = (task: LiveTask, which: ReadonlySet<StepStatus>): readonly StepCancelled[] =>
  task.plan.steps.flatMap((spec, index): StepCancelled[] =>
    which.has(elementAt(task.steps, index, 'steps').status) ? [{ type: 'step.cancelled', step: spec.name }] : [],
  )
