/** Complete: the output is recorded, whatever waited for this step alone is ready, and the last one ends the task. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { CompleteStep } from '../commands.js'
import type { StepCompleted, TaskEvent } from '../events.js'
import type { TaskRefusal } from '../refusals.js'
import type { LiveTask, StepState } from '../state.js'
import { ignoreResult, isHeldBy, NOTHING_NEW, unknownStep } from './attempt.js'
import { draftOf } from './draft.js'
import { goOn } from './go-on.js'
import { settle } from './settle.js'

export const decideComplete = (task: LiveTask, command: CompleteStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  if (!isHeldBy(step, command.attempt, command.worker)) {
    return isRepeat(step, command) ? NOTHING_NEW : ignoreResult(task, step, command, 'completed')
  }
  const completed: StepCompleted = {
    type: 'step.completed',
    step: command.step,
    attempt: command.attempt,
    output: command.output,
  }
  if (task.plan.plain && task.phase === 'running') return { type: 'accepted', events: [completed, ...goOn(task, index)] }
  const draft = draftOf(task, command.at)
  draft.add(completed)
  settle(draft, [index])
  return { type: 'accepted', events: draft.events }
}

const isRepeat = (step: StepState, command: CompleteStep): boolean =>
  step.status === 'complete' &&
  step.attempts === command.attempt &&
  step.worker === command.worker &&
  step.output === command.output
