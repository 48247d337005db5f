/** Start: an enqueued attempt goes to a worker. The only gate: a queue may offer an attempt twice or late, it starts once. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { StartStep } from '../commands.js'
import { runOf } from '../compensation.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { mayStart } from '../step-groups.js'
import { unknownStep } from './attempt.js'

export const decideStart = (task: LiveTask, command: StartStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  const { keys } = runOf(task, index)
  const ready = step.status === 'enqueued' && step.attempts === command.attempt && step.admitted === keys.length
  if (!ready || !mayStart(task)) {
    return refuse('STEP_NOT_READY', `Attempt ${command.attempt} of step ${command.step} is not ready to start.`, command.step)
  }
  return {
    type: 'accepted',
    events: [{ type: 'step.started', step: command.step, attempt: command.attempt, worker: command.worker }],
  }
}
