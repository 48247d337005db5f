/** What each durable event adds to the server's numbers. */
import { type FunctionEvent, type TaskEvent, unreachable } from '@tasker/core'
import type { EngineMetrics } from '../telemetry/metrics.js'

export const countEvent = (event: TaskEvent, metrics: EngineMetrics): void => {
  switch (event.type) {
    case 'task.submitted':
      return metrics.taskSubmitted()
    case 'task.blocked':
      return metrics.taskBlocked()
    case 'task.completed':
      return metrics.taskEnded('completed')
    case 'task.failed':
      return metrics.taskEnded('failed')
    case 'task.cancelled':
      return metrics.taskEnded('cancelled')
    case 'task.resolved_manually':
      return metrics.taskEnded('resolved_manually')
    case 'step.started':
      return metrics.stepStarted()
    case 'step.completed':
      return metrics.stepEnded('completed')
    case 'step.failed':
      return metrics.stepEnded('failed')
    case 'step.timed_out':
      return metrics.stepEnded('timed_out')
    case 'step.cancelled':
      return metrics.stepEnded('cancelled')
    case 'step.skipped':
      return metrics.stepSkipped()
    case 'step.resolved_manually':
      return metrics.stepEnded('resolved_manually')
    case 'step.completed_manually':
      return metrics.stepEnded('completed')
    case 'step.retry_scheduled':
      return metrics.stepRetryScheduled()
    case 'step.released':
      return metrics.stepReleased()
    case 'step.checkpointed':
      return metrics.stepCheckpointed()
    case 'step.result_ignored':
      return metrics.resultIgnored()
    case 'domain_event.recorded':
      return metrics.domainEventRecorded(event.problems === undefined ? 'published' : 'refused')
    case 'task.archived':
      return metrics.taskArchived()
    case 'task.went_stale':
      return metrics.taskWentStale(event.state)
    case 'task.dead_lettered':
    case 'task.dead_letter_updated':
    case 'task.paused':
    case 'task.resumed':
    case 'task.retried':
    case 'step.reset_for_retry':
    case 'steps.created':
    case 'step.scheduled':
    case 'step.admitted':
    case 'compensation.started':
    case 'compensation.completed':
    case 'compensation.failed':
    case 'task.cancel_requested':
    case 'step.suspended':
      return
    default:
      return countFact(event)
  }
}

/** The journal of a durable function adds nothing. */
const countFact = (event: FunctionEvent): void => {
  switch (event.type) {
    case 'effect.recorded':
    case 'timer.started':
    case 'timer.fired':
    case 'timer.cancelled':
    case 'signal.received':
    case 'function.diverged':
    case 'function.continued':
    case 'child.started':
    case 'child.ended':
    case 'update.received':
    case 'update.answered':
      return
    default:
      unreachable(event)
  }
}
