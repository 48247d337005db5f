/** What follows a failed attempt: another one by the policy, or the step's end and what that means for the task. */
import { later, type Instant } from '../../kernel/instant.js'
import { elementAt } from '../../kernel/invariant.js'
import { retryAllowed } from '../../retry/allowed.js'
import { delayBefore } from '../../retry/delay.js'
import type { TaskEvent } from '../events.js'
import type { Failure } from '../failure.js'
import type { LiveTask, StepInProgress } from '../state.js'
import { activeSteps, blockIfIdle, endCancelled, failedSteps } from './ending.js'

/** A task that is being cancelled starts nothing again, whatever the policy would allow. */
export const isPermanent = (task: LiveTask, index: number, step: StepInProgress, failure: Failure): boolean =>
  task.phase === 'cancelling' ||
  !retryAllowed(elementAt(task.plan.steps, index, 'plan steps').retry, step.attemptsSinceReset, failure)

/** The failed attempt, and when it happened with the dice for the next one's delay. */
export interface FailedAttempt {
  readonly index: number
  readonly step: StepInProgress
  readonly failure: Failure
  readonly permanent: boolean
  readonly at: Instant
  readonly draw: number
}

/** Adds what follows to the event that says the attempt failed. */
export const afterFailure = (task: LiveTask, failed: FailedAttempt, events: TaskEvent[]): void => {
  if (!failed.permanent) scheduleRetry(task, failed, events)
  else if (task.phase === 'cancelling') endCancelled(task, events)
  else blockIfIdle(activeSteps(task) - 1, failedSteps(task, failed.index), events)
}

/** A delay of nothing is told all the same, then the next attempt is ready in the same commit. */
const scheduleRetry = (task: LiveTask, { index, step, failure, at, draw }: FailedAttempt, events: TaskEvent[]): void => {
  const spec = elementAt(task.plan.steps, index, 'plan steps')
  const delayMs = delayBefore(spec.retry, step.attemptsSinceReset, draw, failure.retryAfterMs)
  const attempt = step.attempts + 1
  events.push({ type: 'step.retry_scheduled', step: spec.name, attempt, dueAt: later(at, delayMs), delayMs })
  if (delayMs === 0) events.push({ type: 'step.scheduled', step: spec.name, attempt })
}
