/** Complete: the output is recorded, whatever waited for this step alone is ready, and the last one ends the task. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { CompleteStep, FailStep } from '../commands.js'
import { isTakingBack } from '../compensation.js'
import type { StepCompleted, StepsCreated, TaskEvent } from '../events.js'
import type { Failure } from '../failure.js'
import type { TaskRefusal } from '../refusals.js'
import type { LiveTask, StepState } from '../state.js'
import { ignoreResult, isHeldBy, NOTHING_NEW, unknownStep } from './attempt.js'
import { openedBy } from './branch.js'
import { draftOf } from './draft.js'
import { decideFail } from './fail.js'
import { goOn } from './go-on.js'
import { settle } from './settle.js'

export const decideComplete = (task: LiveTask, command: CompleteStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  const held = isHeldBy(step, command.attempt, command.worker)
  if (!held && (isRepeat(step, command) || isRepeatOf(task.compensation?.undone.get(index), command))) return NOTHING_NEW
  // A function that called handlers has steps that its plan does not know.
  if (task.plan.plain && task.graph === task.plan && command.choice === undefined) {
    return held ? completePlain(task, index, command) : ignoreResult(task, step, command, 'completed')
  }
  // A way back makes no decisions and no batches.
  if (held && isTakingBack(task, index)) return settled(task, index, command, undefined)
  const opened = openedBy(task, index, command.choice)
  if (opened.type === 'wrong') return decideFail(task, failOf(command, opened.failure))
  if (!held) return ignoreResult(task, step, command, 'completed')
  return settled(task, index, command, opened.event)
}

const completePlain = (task: LiveTask, index: number, command: CompleteStep): Decision<TaskEvent, TaskRefusal> => {
  if (task.phase === 'running') return { type: 'accepted', events: [completedBy(command), ...goOn(task, index)] }
  return settled(task, index, command, undefined)
}

/** What an outcome creates stands in the commit of the outcome; a task that is being cancelled creates nothing any more. */
const settled = (
  task: LiveTask,
  index: number,
  command: CompleteStep,
  created: StepsCreated | undefined,
): Decision<TaskEvent, TaskRefusal> => {
  const draft = draftOf(task, command.at)
  draft.add(completedBy(command))
  if (created !== undefined && task.phase === 'running') draft.add(created)
  settle(draft, [index])
  return { type: 'accepted', events: draft.events }
}

/** Two literals, each of a stable shape. */
const completedBy = ({ step, attempt, output, metadata }: CompleteStep): StepCompleted =>
  metadata === undefined
    ? { type: 'step.completed', step, attempt, output }
    : { type: 'step.completed', step, attempt, output, metadata }

/** An outcome that cannot be carried out would be the same from another attempt; no dice are thrown for a failure for good. */
const failOf = ({ at, step, attempt, worker }: CompleteStep, failure: Failure): FailStep => ({
  type: 'fail',
  at,
  step,
  attempt,
  worker,
  failure,
  draw: 0,
})

/** A step that is taken back keeps how it ended, so that a repeat of that is known too. */
const isRepeatOf = (ended: StepState | undefined, command: CompleteStep): boolean =>
  ended !== undefined && isRepeat(ended, command)

const isRepeat = (step: StepState, command: CompleteStep): boolean =>
  (step.status === 'complete' || step.status === 'compensated') &&
  step.attempts === command.attempt &&
  step.worker === command.worker &&
  step.output === command.output
