/** Pause and resume: nothing starts in between. What runs goes on, and what becomes ready or due waits for the resume. */
import type { Decision } from '../../kernel/decider.js'
import type { PauseTask, ResumeTask } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { closedToOperators, said } from './operator.js'

export const decidePause = (task: LiveTask, command: PauseTask): Decision<TaskEvent, TaskRefusal> => {
  const closed = closedToOperators(task)
  if (closed !== undefined) return closed
  if (task.pace.type === 'paused') return refuse('TASK_ALREADY_PAUSED', `The task ${task.submitted.name} is paused already.`)
  return { type: 'accepted', events: [{ type: 'task.paused', ...said(command) }] }
}

/** What became ready meanwhile is enqueued in the state, so that the queues need nothing but to look again. */
export const decideResume = (task: LiveTask, command: ResumeTask): Decision<TaskEvent, TaskRefusal> => {
  const closed = closedToOperators(task)
  if (closed !== undefined) return closed
  if (task.pace.type !== 'paused') return refuse('TASK_NOT_PAUSED', `The task ${task.submitted.name} is not paused.`)
  return { type: 'accepted', events: [{ type: 'task.resumed', ...said(command) }] }
}
