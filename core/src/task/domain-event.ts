/** Which domain events an attempt's end causes: the declarations of its step that speak of it, with what its worker made of each. */
import type { StepId } from '../kernel/ids.js'
import { type EventDelivery, type EventOutcome, type PublishedEvent, speaksOf } from '../template/published-event.js'
import { isTakingBack } from './compensation.js'
import type { EventNote, EventNotes } from './event-note.js'
import type { DomainEventRecorded, TaskEvent } from './events.js'
import type { LiveTask } from './state.js'

/** A domain event with the way it goes; those that go `fast` are in no log. */
export interface CausedEvent {
  readonly delivery: EventDelivery
  readonly event: Omit<DomainEventRecorded, 'delivery'>
}

interface AttemptEnd {
  readonly step: StepId
  readonly attempt: number
  readonly outcome: EventOutcome
}

/** What an event of a task causes; `notes` are those that came with the command, if it was about this step. */
export const causedBy = (task: LiveTask, event: TaskEvent, notes: EventNotes | undefined): readonly CausedEvent[] => {
  const end = attemptEnd(event)
  if (end === undefined) return []
  const index = task.graph.indexOf.get(end.step) ?? -1
  const spec = task.graph.steps[index]
  // What a way back does is not what the step declared.
  if (spec === undefined || spec.publishes.length === 0 || isTakingBack(task, index)) return []
  return spec.publishes.flatMap((declared, index) => {
    const note = notes?.[index]
    if (!speaksOf(declared.condition, end.outcome) || note?.withheld === true) return []
    return [{ delivery: declared.delivery, event: domainEvent(task, declared, end, note) }]
  })
}

const attemptEnd = (event: TaskEvent): AttemptEnd | undefined => {
  if (event.type === 'step.completed') return { step: event.step, attempt: event.attempt, outcome: 'success' }
  if (event.type !== 'step.failed' && event.type !== 'step.timed_out') return undefined
  return { step: event.step, attempt: event.attempt, outcome: event.permanent ? 'permanent_failure' : 'retryable_failure' }
}

const domainEvent = (
  { submitted }: LiveTask,
  { name }: PublishedEvent,
  { step, attempt, outcome }: AttemptEnd,
  note: EventNote | undefined,
): CausedEvent['event'] => ({
  type: 'domain_event.recorded',
  name,
  step,
  attempt,
  outcome,
  correlationId: submitted.correlationId,
  template: `${submitted.name}@${submitted.version}`,
  ...(note?.payload === undefined ? {} : { payload: note.payload }),
  ...(note?.metadata === undefined ? {} : { metadata: note.metadata }),
  ...(note?.problems === undefined ? {} : { problems: note.problems }),
})
