/** Release: a start that was never sent is taken back. The next start has a new number, and the policy's budget has lost nothing. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { ReleaseStep } from '../commands.js'
import type { TaskEvent } from '../events.js'
import type { TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { cleansUp } from '../suspended.js'
import { isOut, leaseLost, unknownStep } from './attempt.js'
import { draftOf } from './draft.js'
import { settle } from './settle.js'

export const decideRelease = (task: LiveTask, command: ReleaseStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  if (!isOut(step, command.attempt)) return leaseLost(command, 'it is not running')
  const draft = draftOf(task, command.at)
  draft.add({ type: 'step.released', step: command.step, attempt: command.attempt, reason: command.reason })
  if (task.phase === 'cancelling' && !cleansUp(task)) {
    draft.add({ type: 'step.cancelled', step: command.step })
    settle(draft, [index])
  } else {
    draft.add({ type: 'step.scheduled', step: command.step, attempt: step.attempts + 1 })
  }
  return { type: 'accepted', events: draft.events }
}
