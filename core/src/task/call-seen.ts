/** The end of a call, as the durable function sees it that made it. */
import type { EffectOutcome } from '../function/outcome.js'
import { seeCallEnded } from '../function/journal.js'
import type { Instant } from '../kernel/instant.js'
import { elementAt, invariant, unreachable } from '../kernel/invariant.js'
import { JSON_NULL } from '../kernel/json.js'
import type { TaskArchived, TaskEvent } from './events.js'
import type { LiveTask, StepState } from './state.js'

/** What ends the step of a call is a fact of its function's journal. */
export const withCallSeen = (event: Exclude<TaskEvent, TaskArchived>, task: LiveTask, at: Instant): LiveTask => {
  const { journal } = task
  if (journal === undefined || journal.calls.size === 0 || !('step' in event)) return task
  if (!journal.calls.has(event.step)) return task
  const outcome = outcomeOf(elementAt(task.steps, task.graph.indexOf.get(event.step) ?? -1, 'steps'))
  return outcome === undefined ? task : { ...task, journal: seeCallEnded(journal, event.step, outcome, at) }
}

/** How a step ended; undefined while it may still go on. */
const outcomeOf = (step: StepState): EffectOutcome | undefined => {
  switch (step.status) {
    case 'complete':
      return { type: 'succeeded', result: step.output }
    case 'resolved_manually':
      return { type: 'succeeded', result: JSON_NULL }
    case 'cancelled':
      return { type: 'cancelled' }
    case 'error':
      invariant(step.lastFailure !== undefined, 'a step that failed has a failure')
      return { type: 'failed', failure: step.lastFailure }
    case 'uncreated':
    case 'not_taken':
    case 'pending':
    case 'enqueued':
    case 'in_progress':
    case 'waiting_for_retry':
    case 'skipped':
    case 'compensated':
      return undefined
    default:
      return unreachable(step)
  }
}
