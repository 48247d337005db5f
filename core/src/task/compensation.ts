/**
 * Compensation: completed steps are taken back, each by the handler its template gives for that, the latest first.
 *
 * K1  A step is taken back only once nothing of the task is active, and only after everything that built on it was.
 * K2  A way back is a series of attempts of the step: numbers go on, the policy and the timeout are its own.
 * K3  A step is taken back at most once. What failed for good is not taken back: how far it came is not known.
 * K4  Operators see to ways back alone: what failed before the taking back began is not tried again.
 */
import { topologicalOrder } from '../graph/order.js'
import { elementAt } from '../kernel/invariant.js'
import type { HandlerSpec, StepSpec } from '../template/template.js'
import type { RetryPolicy } from '../retry/policy.js'
import type { DurationMs } from '../kernel/instant.js'
import type { JsonText } from '../kernel/json.js'
import type { LiveTask, StepStatus } from './state.js'

/** The limits of a step's waits; a way back has none. */
export type StepTimes = Pick<StepSpec, 'heartbeatMs' | 'scheduleToStartMs' | 'scheduleToCloseMs'>

export const NO_TIMES: StepTimes = { heartbeatMs: undefined, scheduleToStartMs: undefined, scheduleToCloseMs: undefined }

/** What a step's attempts run by: its own handler, policy and timeout, or those of its way back. */
export interface StepRun extends StepTimes {
  readonly handler: HandlerSpec
  readonly retry: RetryPolicy
  readonly timeoutMs: DurationMs
  /** A way back has none: what it undoes has left its places long ago. */
  readonly keys: StepSpec['keys']
}

/** The attempts of the step are those of its way back. */
export const isTakingBack = ({ compensation }: LiveTask, index: number): boolean => compensation?.undone.has(index) === true

export const runOf = (task: LiveTask, index: number): StepRun => {
  const spec = specAt(task, index)
  return isTakingBack(task, index) && spec.compensate !== undefined ? { ...spec.compensate, ...NO_TIMES } : spec
}

/** What the step gave, also where it was taken back since; undefined when it never completed. */
export const outputOf = (task: LiveTask, index: number): JsonText | undefined => {
  const step = elementAt(task.steps, index, 'steps')
  return step.status === 'complete' ? step.output : task.compensation?.undone.get(index)?.output
}

/** How far the taking back of a step is; undefined for a step that has nothing to be taken back, or no way back. */
export type UndoState = 'to_do' | 'open' | 'failed' | 'done'

export const undoStateOf = (task: LiveTask, index: number): UndoState | undefined => {
  const { status } = elementAt(task.steps, index, 'steps')
  if (isTakingBack(task, index)) return UNDO_STATES[status]
  return status === 'complete' && specAt(task, index).compensate !== undefined ? 'to_do' : undefined
}

const UNDO_STATES: { readonly [Status in StepStatus]: UndoState } = {
  uncreated: 'done',
  not_taken: 'done',
  pending: 'open',
  enqueued: 'open',
  in_progress: 'open',
  waiting_for_retry: 'open',
  error: 'failed',
  complete: 'done',
  cancelled: 'done',
  skipped: 'done',
  resolved_manually: 'done',
  compensated: 'done',
}

/** Whether a failure for good means that the task is taken back. */
export const asksForCompensation = (task: LiveTask): boolean =>
  task.counts.error > 0 &&
  task.steps.some(({ status }, index) => status === 'error' && specAt(task, index).onFailure === 'compensate')

/** Indexes of the steps that are to be taken back, those first that nothing else built on. */
export const undoOrder = (task: LiveTask): readonly number[] =>
  topologicalOrder(task.graph.dependencies, task.graph.dependents)
    .toReversed()
    .filter((index) => undoStateOf(task, index) !== undefined)

/** K1: the steps whose way back may begin now. */
export const undoReady = (task: LiveTask): readonly number[] => {
  const { graph } = task
  const ready: number[] = []
  // Whether something that built on the step, directly or not, is not taken back yet.
  const isHeld = graph.steps.map(() => false)
  for (const index of topologicalOrder(graph.dependencies, graph.dependents).toReversed()) {
    const held = elementAt(graph.dependents, index, 'dependents').some(
      (dependent) => isHeld[dependent] === true || isLeft(undoStateOf(task, dependent)),
    )
    isHeld[index] = held
    if (!held && undoStateOf(task, index) === 'to_do') ready.push(index)
  }
  return ready
}

export const isLeft = (state: UndoState | undefined): boolean => state !== undefined && state !== 'done'

const specAt = (task: LiveTask, index: number): StepSpec => elementAt(task.graph.steps, index, 'steps of the graph')
