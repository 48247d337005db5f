/** Complete: the output is recorded, whatever waited for this step alone is ready, and the last one ends the task. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { CompleteStep } from '../commands.js'
import type { TaskEvent } from '../events.js'
import type { TaskRefusal } from '../refusals.js'
import type { LiveTask, StepState } from '../state.js'
import { ignoreResult, isHeldBy, NOTHING_NEW, unknownStep } from './attempt.js'
import { activeSteps, blockIfIdle, endCancelled, failedSteps } from './ending.js'

export const decideComplete = (task: LiveTask, command: CompleteStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.plan.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  if (!isHeldBy(step, command.attempt, command.worker)) {
    return isRepeat(step, command) ? NOTHING_NEW : ignoreResult(task, step, command, 'completed')
  }
  const events: TaskEvent[] = [{ type: 'step.completed', step: command.step, attempt: command.attempt, output: command.output }]
  if (task.phase === 'cancelling') endCancelled(task, events)
  else goOn(task, index, events)
  return { type: 'accepted', events }
}

const isRepeat = (step: StepState, command: CompleteStep): boolean =>
  step.status === 'complete' &&
  step.attempts === command.attempt &&
  step.worker === command.worker &&
  step.output === command.output

const goOn = (task: LiveTask, index: number, events: TaskEvent[]): void => {
  let ready = 0
  for (const dependent of elementAt(task.plan.dependents, index, 'dependents')) {
    if (task.unmet[dependent] !== 1) continue
    events.push({ type: 'step.scheduled', step: elementAt(task.plan.steps, dependent, 'plan steps').name, attempt: 1 })
    ready += 1
  }
  if (task.counts.complete + 1 === task.plan.steps.length) events.push({ type: 'task.completed' })
  else if (task.counts.error > 0) blockIfIdle(activeSteps(task) - 1 + ready, failedSteps(task), events)
}
