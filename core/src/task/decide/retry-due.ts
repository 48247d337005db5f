/** Retry due: the delay before an attempt is over, so it is ready. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { RetryDue } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { unknownStep } from './attempt.js'

export const decideRetryDue = (task: LiveTask, command: RetryDue): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  if (step.status !== 'waiting_for_retry' || step.attempts !== command.attempt) {
    return refuse('STEP_NOT_READY', `Attempt ${command.attempt} of step ${command.step} waits for no retry.`, command.step)
  }
  if (command.at < step.dueAt) {
    return refuse('NOT_DUE', `Attempt ${command.attempt} of step ${command.step} is not due.`, command.step)
  }
  return { type: 'accepted', events: [{ type: 'step.scheduled', step: command.step, attempt: command.attempt }] }
}
