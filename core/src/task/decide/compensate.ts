/** Compensate: begins taking a task back, goes on with it step by step, and ends the task once it is done or blocks it where it failed. */
import { elementAt } from '../../kernel/invariant.js'
import type { StepId } from '../../kernel/ids.js'
import { isLeft, undoOrder, undoReady, undoStateOf } from '../compensation.js'
import { activeSteps } from '../step-groups.js'
import type { Draft } from './draft.js'

/** Nothing of the task is active. What could not begin will not. */
export const startCompensation = (draft: Draft, cause: 'failure' | 'cancellation'): void => {
  draft.task.steps.forEach(({ status }, index) => {
    if (status === 'pending') draft.add({ type: 'step.cancelled', step: nameAt(draft, index) })
  })
  draft.add({ type: 'compensation.started', cause, steps: undoOrder(draft.task).map((index) => nameAt(draft, index)) })
  goOnCompensating(draft)
}

/** These ways back have become pending again. */
export const tryCompensatingAgain = (draft: Draft, indexes: readonly number[]): void => {
  for (const index of indexes) schedule(draft, index)
  goOnCompensating(draft)
}

export const goOnCompensating = (draft: Draft): void => {
  for (const index of undoReady(draft.task)) schedule(draft, index)
  const { task } = draft
  const left = task.steps.flatMap((_, index) => (isLeft(undoStateOf(task, index)) ? [index] : []))
  if (left.length === 0) endCompensation(draft)
  else if (activeSteps(task) === 0) blockCompensation(draft, left)
}

const schedule = (draft: Draft, index: number): void => {
  const { attempts } = elementAt(draft.task.steps, index, 'steps')
  draft.add({ type: 'step.scheduled', step: nameAt(draft, index), attempt: attempts + 1 })
}

const endCompensation = (draft: Draft): void => {
  const { compensation } = draft.task
  draft.add({ type: 'compensation.completed' })
  if (compensation?.cause === 'cancellation') draft.add({ type: 'task.cancelled' })
  else draft.add({ type: 'task.failed', code: 'COMPENSATED', message: messageOf(draft) })
}

const messageOf = (draft: Draft): string => {
  const failed = draft.task.steps.flatMap(({ status }, index) => (status === 'error' ? [nameAt(draft, index)] : []))
  return `What was complete was taken back after ${failed.join(', ')} failed for good.`
}

const blockCompensation = (draft: Draft, left: readonly number[]): void => {
  const { task } = draft
  const failed = left.filter((index) => undoStateOf(task, index) === 'failed').map((index) => nameAt(draft, index))
  draft.add({ type: 'compensation.failed', steps: failed })
  draft.add({ type: 'task.blocked', steps: failed })
}

const nameAt = (draft: Draft, index: number): StepId => elementAt(draft.task.graph.steps, index, 'steps of the graph').name
