/**
 * Whose attempt it is: who holds it, whether it was ever given out, and what happens to a result that comes from elsewhere or late.
 *
 * A1  A result counts only from the worker that holds the attempt, while it holds it.
 * A2  A repeat of the recorded outcome is accepted and changes nothing, also after the task's end.
 * A3  Any other result of an attempt that was given out is recorded as ignored, once an attempt and never after the end; then refused. Of very many such
 *     attempts the latest are remembered, and late results of older ones are refused without a record.
 * A4  A result of an attempt that was never given out is refused.
 */
import type { Decision } from '../../kernel/decider.js'
import type { StepId, WorkerId } from '../../kernel/ids.js'
import { wasGivenOut } from '../attempts.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import { isTerminal, type LiveTask, type StepInProgress, type StepState } from '../state.js'
import { wasIgnored } from '../step-states.js'

export interface AttemptOf {
  readonly step: StepId
  readonly attempt: number
}

export const NOTHING_NEW: Decision<never, never> = { type: 'accepted', events: [] }

export const unknownStep = (task: LiveTask, step: StepId): { readonly type: 'refused'; readonly refusal: TaskRefusal } =>
  refuse('UNKNOWN_STEP', `The task ${task.submitted.name} has no step ${step}.`, step)

export const leaseLost = (
  { step, attempt }: AttemptOf,
  why: string,
): { readonly type: 'refused'; readonly refusal: TaskRefusal } =>
  refuse('LEASE_LOST', `Attempt ${attempt} of step ${step}: ${why}.`, step)

/** The attempt is out, whoever has it. */
export const isOut = (step: StepState, attempt: number): step is StepInProgress =>
  step.status === 'in_progress' && step.attempts === attempt

/** A1: the attempt is out, and with this worker. */
export const isHeldBy = (step: StepState, attempt: number, worker: WorkerId): step is StepInProgress =>
  step.status === 'in_progress' && step.attempts === attempt && step.worker === worker

/** A3 and A4: what becomes of a result that neither counts nor repeats. */
export const ignoreResult = (
  task: LiveTask,
  step: StepState,
  of: AttemptOf,
  outcome: 'completed' | 'failed',
): Decision<TaskEvent, TaskRefusal> => {
  if (!wasGivenOut(step, of.attempt)) return leaseLost(of, 'it was never given out')
  const reason = isOut(step, of.attempt) ? 'another worker holds it' : 'it is over'
  if (isTerminal(task.phase) || wasIgnored(step, of.attempt)) return leaseLost(of, reason)
  return {
    type: 'accepted',
    events: [{ type: 'step.result_ignored', step: of.step, attempt: of.attempt, outcome, reason }],
  }
}
