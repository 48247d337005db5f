/** Puts the domain events that results cause behind those results, so that one commit holds both. */
import { invariant } from '../../kernel/invariant.js'
import type { Plan } from '../../template/plan.js'
import type { TaskCommand } from '../commands.js'
import { causedBy, type CausedEvent } from '../domain-event.js'
import type { EventNotes } from '../event-note.js'
import type { TaskEvent } from '../events.js'
import { evolve } from '../evolve.js'
import type { LiveTask, TaskState } from '../state.js'

/** A domain event that no log keeps, with the result it speaks of. */
export interface FastEvent {
  readonly cause: TaskEvent
  readonly event: CausedEvent['event']
}

/** `before` is the task as it was before the events. */
export const withDomainEvents = (
  before: TaskState,
  command: TaskCommand,
  events: readonly TaskEvent[],
  plan: Plan,
): readonly TaskEvent[] =>
  eachWithCaused(before, command, events, plan).flatMap(({ cause, caused }) => [cause, ...caused.flatMap(recorded)])

/** What a decision tells those who listen just now and nobody else; what is refused is told to nobody. */
export const fastDomainEvents = (
  before: TaskState,
  command: TaskCommand,
  events: readonly TaskEvent[],
  plan: Plan,
): readonly FastEvent[] =>
  eachWithCaused(before, command, events, plan).flatMap(({ cause, caused }) =>
    caused.flatMap(({ delivery, event }) => (delivery === 'fast' && event.problems === undefined ? [{ cause, event }] : [])),
  )

interface Caused {
  readonly cause: TaskEvent
  readonly caused: readonly CausedEvent[]
}

/** Each event is looked at on the task it made: a step may be created and fail in one decision. */
const eachWithCaused = (before: TaskState, command: TaskCommand, events: readonly TaskEvent[], plan: Plan): readonly Caused[] => {
  let state = before
  return events.map((cause) => {
    state = evolve(state, cause, command.at, plan)
    return { cause, caused: causedBy(liveTask(state), cause, notesFor(command, cause)) }
  })
}

const liveTask = (state: TaskState): LiveTask => {
  invariant(state.type === 'task', 'a stream with events is a task')
  return state
}

const recorded = ({ delivery, event }: CausedEvent): readonly TaskEvent[] => (delivery === 'fast' ? [] : [{ ...event, delivery }])

const notesFor = (command: TaskCommand, event: TaskEvent): EventNotes | undefined =>
  'eventNotes' in command && 'step' in event && command.step === event.step ? command.eventNotes : undefined
