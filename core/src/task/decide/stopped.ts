/** Stopped: a worker gave an attempt up, because the task is being cancelled or because the worker itself goes away. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import { wasGivenOut } from '../attempts.js'
import type { StepStopped } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { STOPPED_BY_WORKER } from '../failure.js'
import type { TaskRefusal } from '../refusals.js'
import type { LiveTask, StepInProgress, StepState } from '../state.js'
import { decideFailure } from './after-failure.js'
import { isHeldBy, isOut, leaseLost, NOTHING_NEW, unknownStep } from './attempt.js'
import { draftOf } from './draft.js'
import { settle } from './settle.js'

/** The middle of the jitter: no dice come with this command. */
const MIDDLE_DRAW = 0.5

export const decideStopped = (task: LiveTask, command: StepStopped): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  if (!isHeldBy(step, command.attempt, command.worker)) return unheld(step, command)
  if (task.phase !== 'cancelling' || isCall(task, index)) return stoppedByItself(task, index, step, command)
  const draft = draftOf(task, command.at)
  draft.add({ type: 'step.cancelled', step: command.step })
  settle(draft, [index])
  return { type: 'accepted', events: draft.events }
}

/** Nobody asks the worker of a call to stop: one that its function does not want is taken away at once. */
const isCall = ({ graph }: LiveTask, index: number): boolean =>
  elementAt(graph.steps, index, 'steps of the graph').call !== undefined

/** A late word that an attempt was given up (after its timeout, say) tells nothing the log does not know, so it leaves no event. */
const unheld = (step: StepState, command: StepStopped): Decision<TaskEvent, TaskRefusal> => {
  if (isOut(step, command.attempt)) return leaseLost(command, 'another worker holds it')
  if (!wasGivenOut(step, command.attempt)) return leaseLost(command, 'it was never given out')
  return NOTHING_NEW
}

/** Nobody asked for it: the attempt counts, how far it came is not known, and the policy decides about another. */
const stoppedByItself = (
  task: LiveTask,
  index: number,
  step: StepInProgress,
  command: StepStopped,
): Decision<TaskEvent, TaskRefusal> => {
  const failure = STOPPED_BY_WORKER
  return decideFailure(task, { index, step, failure, at: command.at, draw: MIDDLE_DRAW }, (permanent) => ({
    type: 'step.failed',
    step: command.step,
    attempt: command.attempt,
    failure,
    permanent,
  }))
}
