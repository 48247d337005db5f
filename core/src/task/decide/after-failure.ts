/** What follows a failed attempt: another one by the policy, or the step's end and what that means for the task. */
import type { Decision } from '../../kernel/decider.js'
import { type DurationMs, later, type Instant } from '../../kernel/instant.js'
import { elementAt } from '../../kernel/invariant.js'
import { retryAllowed } from '../../retry/allowed.js'
import { delayBefore } from '../../retry/delay.js'
import { runOf } from '../compensation.js'
import type { StepFailed, StepTimedOut, TaskEvent } from '../events.js'
import type { Failure } from '../failure.js'
import { cleansUp } from '../suspended.js'
import type { LiveTask, StepInProgress } from '../state.js'
import { type Draft, draftOf } from './draft.js'
import { settle } from './settle.js'

/** The failed attempt, and when it happened with the dice for the next one's delay. */
export interface FailedAttempt {
  readonly index: number
  readonly step: StepInProgress
  readonly failure: Failure
  readonly at: Instant
  readonly draw: number
}

/** The event that says the attempt failed, once it is known whether another follows; then what follows. */
export const decideFailure = (
  task: LiveTask,
  failed: FailedAttempt,
  eventOf: (permanent: boolean) => StepFailed | StepTimedOut,
): Decision<TaskEvent, never> => {
  const delayMs = delayOfRetry(task, failed)
  const draft = draftOf(task, failed.at)
  draft.add(eventOf(delayMs === undefined))
  if (delayMs === undefined) settle(draft, [failed.index])
  else scheduleRetry(draft, failed, delayMs)
  return { type: 'accepted', events: draft.events }
}

/**
 * How long until the next attempt; undefined when there is none. A task that is being cancelled starts nothing again, whatever the policy
 * would allow, and no attempt begins after the time over all attempts.
 */
const delayOfRetry = (task: LiveTask, { index, step, failure, at, draw }: FailedAttempt): DurationMs | undefined => {
  const { retry } = runOf(task, index)
  if ((task.phase === 'cancelling' && !cleansUp(task)) || !retryAllowed(retry, step.attemptsSinceReset, failure)) return undefined
  const delayMs = delayBefore(retry, step.attemptsSinceReset, draw, failure.retryAfterMs)
  return step.closeBy !== undefined && later(at, delayMs) >= step.closeBy ? undefined : delayMs
}

/** A delay of nothing is told all the same, then the next attempt is ready in the same commit. */
const scheduleRetry = (draft: Draft, { index, step, at }: FailedAttempt, delayMs: DurationMs): void => {
  const { name } = elementAt(draft.task.graph.steps, index, 'steps of the graph')
  const attempt = step.attempts + 1
  draft.add({ type: 'step.retry_scheduled', step: name, attempt, dueAt: later(at, delayMs), delayMs })
  if (delayMs === 0) draft.add({ type: 'step.scheduled', step: name, attempt })
}
