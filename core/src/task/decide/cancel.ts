/**
 * Cancel: nothing starts any more, and running steps get a grace to finish or stop.
 *
 * A durable function hears of it and cleans up, for as long as that takes; it says by itself that it is done.
 *
 * Steps that are complete or in error stay what they are: cancelling a task takes nothing back that has happened.
 */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import { LIMITS } from '../../limits.js'
import type { CancelGraceOver, CancelTask } from '../commands.js'
import type { TaskCancelRequested, TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask, StepStatus } from '../state.js'
import { cleansUp } from '../suspended.js'
import { type Draft, draftOf } from './draft.js'
import { settle } from './settle.js'
import { wake } from './wake.js'

const NOT_RUNNING: ReadonlySet<StepStatus> = new Set(['pending', 'enqueued', 'waiting_for_retry'])
const RUNNING: ReadonlySet<StepStatus> = new Set(['in_progress'])

export const decideCancel = (task: LiveTask, command: CancelTask): Decision<TaskEvent, TaskRefusal> => {
  if (task.phase === 'cancelling') return refuse('CANCEL_ALREADY_REQUESTED', 'The task is being cancelled already.')
  if (task.phase === 'compensating') return refuse('TASK_COMPENSATING', 'The task is being taken back, and ends by itself.')
  const draft = draftOf(task, command.at)
  draft.add(requested(command))
  if (cleansUp(task)) {
    wake(draft)
    return { type: 'accepted', events: draft.events }
  }
  cancelSteps(draft, NOT_RUNNING)
  settle(draft, [])
  return { type: 'accepted', events: draft.events }
}

export const decideCancelGraceOver = (task: LiveTask, command: CancelGraceOver): Decision<TaskEvent, TaskRefusal> => {
  // The timer of a task that is being taken back since may come late: its ways back are not what the grace was for.
  if (task.cancel === undefined || task.phase !== 'cancelling' || cleansUp(task))
    return refuse('NOT_DUE', 'The task is not being cancelled.')
  if (command.at < task.cancel.graceUntil) return refuse('NOT_DUE', 'Running steps of the cancelled task have time left.')
  const draft = draftOf(task, command.at)
  cancelSteps(draft, RUNNING)
  settle(draft, [])
  return { type: 'accepted', events: draft.events }
}

const requested = ({ reason, graceMs = LIMITS.cancelGraceMs }: CancelTask): TaskCancelRequested =>
  reason === undefined ? { type: 'task.cancel_requested', graceMs } : { type: 'task.cancel_requested', reason, graceMs }

const cancelSteps = (draft: Draft, which: ReadonlySet<StepStatus>): void => {
  const { graph, steps } = draft.task
  graph.steps.forEach(({ name }, index) => {
    if (which.has(elementAt(steps, index, 'steps').status)) draft.add({ type: 'step.cancelled', step: name })
  })
}
