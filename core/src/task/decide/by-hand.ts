/**
 * By hand: an operator resets, resolves or completes a step, and the task goes on by itself, also out of its block.
 *
 * A running attempt of a step that is resolved or completed is taken away: its worker is told, and what it still says is ignored.
 */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { StepId } from '../../kernel/ids.js'
import type { CompleteStepByHand, ResetStep, ResolveStep } from '../commands.js'
import { isTakingBack } from '../compensation.js'
import type { StepCompletedManually, StepResolvedManually, TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { batchOf, doesExist, goesOnWithout, isOpen } from '../step-groups.js'
import { unknownStep } from './attempt.js'
import { draftOf } from './draft.js'
import { closedToOperators, said } from './operator.js'
import { beginAgain, settle } from './settle.js'

export const decideResetStep = (task: LiveTask, command: ResetStep): Decision<TaskEvent, TaskRefusal> => {
  const found = stepByHand(task, command.step)
  if (found.type === 'refused') return found
  const { index, status } = found
  if (!mayBeReset(task, index)) {
    return refuse(
      'STEP_NOT_FAILED',
      `Step ${command.step} is ${status}; only a step whose failure holds others up is reset.`,
      command.step,
    )
  }
  const draft = draftOf(task, command.at)
  draft.add({ type: 'step.reset_for_retry', step: command.step, ...said(command) })
  beginAgain(draft, [index])
  return { type: 'accepted', events: draft.events }
}

/**
 * It failed and holds others up, or was cancelled because another of its batch had failed. What the task went on without stays as it is, unless the
 * task waits for a person all the same.
 */
export const mayBeReset = (task: LiveTask, index: number): boolean => {
  const { status } = elementAt(task.steps, index, 'steps')
  // K4.
  if (task.compensation !== undefined) return status === 'error' && isTakingBack(task, index)
  return (
    (status === 'error' && (task.phase === 'blocked' || !goesOnWithout(task, index))) ||
    (status === 'cancelled' && batchOf(task, index) !== undefined)
  )
}

export const decideResolveStep = (task: LiveTask, command: ResolveStep): Decision<TaskEvent, TaskRefusal> =>
  closeStep(task, command, { type: 'step.resolved_manually', step: command.step, ...said(command) })

export const decideCompleteStep = (task: LiveTask, command: CompleteStepByHand): Decision<TaskEvent, TaskRefusal> =>
  closeStep(task, command, {
    type: 'step.completed_manually',
    step: command.step,
    output: command.output,
    ...(command.metadata === undefined ? {} : { metadata: command.metadata }),
    ...said(command),
  })

const closeStep = (
  task: LiveTask,
  { step, at }: ResolveStep | CompleteStepByHand,
  event: StepResolvedManually | StepCompletedManually,
): Decision<TaskEvent, TaskRefusal> => {
  const found = stepByHand(task, step)
  if (found.type === 'refused') return found
  const { index, status } = found
  if (!isOpen(status) && !mayBeReset(task, index) && !(status === 'error' && mayBeClosed(task, index)))
    return refuse('STEP_FINISHED', `Step ${step} is ${status}.`, step)
  const draft = draftOf(task, at)
  draft.add(event)
  settle(draft, [index])
  return { type: 'accepted', events: draft.events }
}

/** What failed for good may be closed, but for a way back that is over, and a call whose failure its function has heard of. */
const mayBeClosed = ({ compensation, graph }: LiveTask, index: number): boolean =>
  compensation === undefined && elementAt(graph.steps, index, 'steps of the graph').call === undefined

/** The step that a person means, when the task takes a hand and has the step. */
const stepByHand = (task: LiveTask, step: StepId) => {
  const index = task.graph.indexOf.get(step)
  if (index === undefined) return unknownStep(task, step)
  const { status } = elementAt(task.steps, index, 'steps')
  if (!doesExist(status)) return unknownStep(task, step)
  return closedToOperators(task) ?? ({ type: 'found', index, status } as const)
}
