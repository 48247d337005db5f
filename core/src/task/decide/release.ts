/** Release: a start that was never sent is taken back. The next start has a new number, and the policy's budget has lost nothing. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { ReleaseStep } from '../commands.js'
import type { TaskEvent } from '../events.js'
import type { TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { isOut, leaseLost, unknownStep } from './attempt.js'
import { endCancelled } from './ending.js'

export const decideRelease = (task: LiveTask, command: ReleaseStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.plan.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  if (!isOut(step, command.attempt)) return leaseLost(command, 'it is not running')
  const events: TaskEvent[] = [{ type: 'step.released', step: command.step, attempt: command.attempt, reason: command.reason }]
  if (task.phase === 'cancelling') {
    events.push({ type: 'step.cancelled', step: command.step })
    endCancelled(task, events)
  } else {
    events.push({ type: 'step.scheduled', step: command.step, attempt: step.attempts + 1 })
  }
  return { type: 'accepted', events }
}
