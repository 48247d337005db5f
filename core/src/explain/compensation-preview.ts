/** What taking a task back would do, or does: which steps, in which order, by which handlers, and what has no way back. */
import { elementAt } from '../kernel/invariant.js'
import type { HandlerName, StepId } from '../kernel/ids.js'
import { offeredHandler } from '../projections/ready-step.js'
import { undoOrder, undoStateOf, type UndoState } from '../task/compensation.js'
import type { LiveTask } from '../task/state.js'
import { laterSteps } from './later-steps.js'

export interface CompensationStep {
  readonly step: StepId
  /** What a worker must offer to take it back. */
  readonly handler: HandlerName
  readonly state: UndoState
  /** The steps that are taken back before this one. */
  readonly after: readonly StepId[]
}

export interface CompensationPreview {
  /** Whether it is only what would be done, goes on, or is done. */
  readonly state: 'not_started' | 'running' | 'failed' | 'done'
  /** In the order in which they are taken back; those that do not wait for each other run side by side. */
  readonly steps: readonly CompensationStep[]
  /** Complete steps that have no way back: they stay as they are. */
  readonly withoutWayBack: readonly StepId[]
}

/** As the task is now: what completes later would be taken back too. */
export const compensationPreview = (task: LiveTask): CompensationPreview => {
  const order = undoOrder(task)
  return {
    state: stateOf(task),
    steps: order.map((index) => ({
      step: nameAt(task, index),
      handler: offeredHandler((specAt(task, index).compensate ?? specAt(task, index)).handler),
      state: undoStateOf(task, index) ?? 'done',
      after: laterSteps(task, index)
        .filter((later) => order.includes(later))
        .map((later) => nameAt(task, later)),
    })),
    withoutWayBack: task.steps.flatMap(({ status }, index) =>
      status === 'complete' && specAt(task, index).compensate === undefined ? [nameAt(task, index)] : [],
    ),
  }
}

const stateOf = (task: LiveTask): CompensationPreview['state'] => {
  if (task.compensation === undefined) return 'not_started'
  if (task.phase === 'compensating') return 'running'
  return task.phase === 'blocked' ? 'failed' : 'done'
}

const specAt = (task: LiveTask, index: number) => elementAt(task.graph.steps, index, 'steps of the graph')
const nameAt = (task: LiveTask, index: number): StepId => specAt(task, index).name
