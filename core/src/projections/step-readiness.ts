/** What a step waits for, and what of its policy is left: a function of the task's state, whoever asks. */
import { elementAt } from '../kernel/invariant.js'
import type { Instant } from '../kernel/instant.js'
import { readinessOf } from '../graph/readiness.js'
import { attemptsAllowed } from '../retry/allowed.js'
import { runOf } from '../task/compensation.js'
import type { LiveTask } from '../task/state.js'
import { isOpen, isSatisfied, mayStart } from '../task/step-groups.js'

export interface StepReadiness {
  readonly dependenciesSatisfied: boolean
  /** Its policy leaves it another attempt, the one that runs not counted. */
  readonly retryEligible: boolean
  /** A worker with a free slot may take it now. */
  readonly readyForExecution: boolean
  readonly totalParents: number
  readonly completedParents: number
  /** Attempts the policy gives in all. */
  readonly maxAttempts: number
  readonly lastFailureAt: Instant | undefined
  readonly lastAttemptedAt: Instant | undefined
}

export const stepReadiness = (task: LiveTask, index: number): StepReadiness => {
  const step = elementAt(task.steps, index, 'steps')
  const { retry } = runOf(task, index)
  const parents = elementAt(task.graph.dependencies, index, 'dependencies')
  const allowed = retry.retryable ? attemptsAllowed(retry) : 1
  return {
    dependenciesSatisfied: readinessOf(task, index) === 'ready',
    retryEligible: isOpen(step.status) && step.attemptsSinceReset < allowed,
    readyForExecution: step.status === 'enqueued' && mayStart(task),
    totalParents: parents.length,
    completedParents: parents.filter((parent) => isSatisfied(elementAt(task.steps, parent, 'a parent').status)).length,
    maxAttempts: allowed,
    lastFailureAt: step.lastFailedAt,
    lastAttemptedAt: step.lastStartedAt,
  }
}
