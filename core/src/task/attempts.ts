/** Which attempts of a step were given to a worker. */
import type { StepState } from './state.js'

/** The highest attempt number that was given to a worker; all numbers below it were given out too. */
export const attemptsStarted = (step: StepState): number => {
  switch (step.status) {
    case 'uncreated':
    case 'not_taken':
    case 'pending':
    case 'skipped':
    case 'in_progress':
    case 'complete':
    case 'compensated':
    case 'error':
    case 'resolved_manually':
      return step.attempts
    case 'enqueued':
    case 'waiting_for_retry':
      return step.attempts - 1
    case 'cancelled':
      return step.worker === undefined ? Math.max(0, step.attempts - 1) : step.attempts
  }
}

export const wasGivenOut = (step: StepState, attempt: number): boolean => attempt >= 1 && attempt <= attemptsStarted(step)
