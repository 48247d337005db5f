/** Fail a task: it is over without success, and whatever of it is open ends with it. What is complete or in error stays what it is. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { FailTask } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask, StepStatus } from '../state.js'
import { draftOf } from './draft.js'

const OPEN: ReadonlySet<StepStatus> = new Set(['pending', 'enqueued', 'in_progress', 'waiting_for_retry'])

export const decideFailTask = (task: LiveTask, { at, code, message }: FailTask): Decision<TaskEvent, TaskRefusal> => {
  if (task.phase === 'cancelling') return refuse('CANCEL_ALREADY_REQUESTED', 'The task is being cancelled, so it ends by itself.')
  const draft = draftOf(task, at)
  task.graph.steps.forEach(({ name }, index) => {
    if (OPEN.has(elementAt(task.steps, index, 'steps').status)) draft.add({ type: 'step.cancelled', step: name })
  })
  draft.add({ type: 'task.failed', code, message })
  return { type: 'accepted', events: draft.events }
}
