/** Bugs that a test plants in the worlds of durable functions and schedules, one for each invariant that looks at them. Each is made anew for each world. */
import {
  decide,
  decideSchedule,
  evolve,
  fastDomainEvents,
  type FunctionJournal,
  instant,
  jsonOf,
  nextNominal,
  NO_TIMERS,
  openTimersOf,
  type TaskCommand,
  type TaskEvent,
  type TaskState,
} from '@tasker/core'
import type { ConnectResponse, JournalEntry } from '@tasker/proto'
import type { PlantedBug } from '../planted-bug.js'

type Decision = ReturnType<typeof decide>

const ruled = (name: string, foundAs: RegExp, wrong: typeof decide): PlantedBug => ({
  name,
  foundAs,
  makers: () => ({ rules: { decide: wrong, evolve, fastDomainEvents } }),
})

/** The rules with other events than they decide on. */
const withEvents = (
  state: TaskState,
  command: TaskCommand,
  change: (events: readonly TaskEvent[]) => readonly TaskEvent[],
): Decision => {
  const decision = decide(state, command)
  return decision.type === 'refused' ? decision : { type: 'accepted', events: change(decision.events) }
}

const withJournal = (state: TaskState, change: (journal: FunctionJournal) => FunctionJournal): TaskState =>
  state.type === 'task' && state.journal !== undefined ? { ...state, journal: change(state.journal) } : state

const recordTwice = (): PlantedBug =>
  ruled('record an effect twice', /^I33 step .* is recorded again/, (state, command) =>
    command.type !== 'record'
      ? decide(state, command)
      : withEvents(state, command, (events) => {
          const effect = events.find((event) => event.type === 'effect.recorded' && event.kind === 'step')
          return effect === undefined ? events : [effect, ...events]
        }),
  )

/** What a worker is told on a replay is not what it was told before. */
const retellAnother = (): PlantedBug => ({
  name: 'tell another result on a replay',
  foundAs: /^I34 .* sees .*, where it saw/,
  heard: (message) => ({
    ...message,
    commands: message.commands.map((command) =>
      command.function === undefined
        ? command
        : { ...command, function: { ...command.function, entries: command.function.entries.map(another) } },
    ),
  }),
})

const another = (entry: JournalEntry): JournalEntry =>
  entry.fact?.$case === 'step' && entry.fact.value.outcome?.outcome?.$case === 'succeeded'
    ? {
        ...entry,
        fact: {
          $case: 'step',
          value: { outcome: { outcome: { $case: 'succeeded', value: { encoding: '', data: Buffer.from('"another"') } } } },
        },
      }
    : entry

const forgetRequests = (): PlantedBug =>
  ruled('forget the requests of signals', /^I35 the signal .* is there twice/, (state, command) =>
    decide(command.type === 'signal' ? withJournal(state, (journal) => ({ ...journal, requests: [] })) : state, command),
  )

/** A function is told the second of two signals first, with the numbers of their places. */
const swapSignals = (): PlantedBug => ({
  name: 'tell signals in another order',
  foundAs: /^I3[56] .* takes /,
  heard: (message) => ({
    ...message,
    commands: message.commands.map((command) =>
      command.function === undefined
        ? command
        : { ...command, function: { ...command.function, entries: swapped(command.function.entries) } },
    ),
  }),
})

const swapped = (entries: readonly JournalEntry[]): JournalEntry[] => {
  const [first, second, ...rest] = entries
  return first?.fact?.$case === 'signal' && second?.fact?.$case === 'signal' ? [second, first, ...rest] : [...entries]
}

const fireEarly = (): PlantedBug =>
  ruled('fire a timer early', /^I37 the timer .* fires \d+ ms early/, (state, command) =>
    command.type !== 'signal'
      ? decide(state, command)
      : withEvents(state, command, (events) => {
          const [open] = openTimersOf((state.type === 'task' ? state.journal?.timers : undefined) ?? NO_TIMERS)
          if (open === undefined) return events
          const [key, { kind }] = open
          return [{ type: 'timer.fired', kind, key }, ...events]
        }),
  )

/** Whatever an old run hands in counts as the word of the one that runs now. */
const recordForAnother = (): PlantedBug =>
  ruled('record what an old run hands in', /^I38 worker:.* records .* holds/, (state, command) => {
    const run = state.type === 'task' ? state.steps[0] : undefined
    return command.type === 'record' && run?.status === 'in_progress' && run.worker !== command.worker
      ? decide(state, { ...command, attempt: run.attempts, worker: run.worker })
      : decide(state, command)
  })

/** News leave out what stands first in them. */
const leaveOutNews = (): PlantedBug => ({
  name: 'tell a fact at the place of another',
  foundAs: /^I39 .* is told .* where the log has/,
  message: (message): ConnectResponse => ({
    ...message,
    news: message.news.map((news) => (news.entries.length > 1 ? { ...news, entries: news.entries.slice(1) } : news)),
  }),
})

const answerAnother = (): PlantedBug =>
  ruled('end a function with another result', /^I40 .* has the result "another"/, (state, command) =>
    command.type === 'complete' && state.type === 'task' && state.journal !== undefined
      ? decide(state, { ...command, output: jsonOf('another') })
      : decide(state, command),
  )

const wakeNobody = (): PlantedBug =>
  ruled('let a function sleep on', /^I41 .* is running for ever/, (state, command) =>
    command.type === 'signal' || command.type === 'timer_due'
      ? withEvents(state, command, (events) => events.filter(({ type }) => type !== 'step.scheduled'))
      : decide(state, command),
  )

const scheduled = (name: string, foundAs: RegExp, wrong: typeof decideSchedule): PlantedBug => ({
  name,
  foundAs,
  makers: () => ({ decideSchedule: wrong }),
})

const leaveOutATime = (): PlantedBug =>
  scheduled('leave out a time of a schedule', /^I42 the schedule .* decides about/, (state, command) => {
    const { live } = state
    const time = live === undefined ? undefined : nextNominal(live.definition.spec, live.decidedUpTo)
    return command.type === 'due' && live !== undefined && time !== undefined && time % 4 === 0
      ? decideSchedule({ ...state, live: { ...live, decidedUpTo: time } }, { ...command, at: instant(command.at + 20_000) })
      : decideSchedule(state, command)
  })

/** The id of a firing says another firing than the one whose task it is. */
const nameAnotherFiring = (): PlantedBug => ({
  name: 'begin a task that no firing asked for',
  foundAs: /^I43 .* begins for schedule\/.* which the log has not fired/,
  makers: () => ({
    rules: {
      decide: (state, command) =>
        withEvents(state, command, (events) =>
          events.map((event) =>
            event.type === 'task.submitted' && event.correlationId.startsWith('schedule/')
              ? { ...event, correlationId: `${event.correlationId}/another` }
              : event,
          ),
        ),
      evolve,
      fastDomainEvents,
    },
  }),
})

const fireBeside = (): PlantedBug =>
  scheduled('fire beside a task that goes on', /^I44 the schedule .* fires .* beside/, (state, command) => {
    const { live } = state
    return command.type === 'due' && live !== undefined
      ? decideSchedule({ ...state, live: { ...live, firings: [], waiting: [] } }, command)
      : decideSchedule(state, command)
  })

export const DURABLE_BUGS: readonly (() => PlantedBug)[] = [
  recordTwice,
  retellAnother,
  forgetRequests,
  swapSignals,
  fireEarly,
  recordForAnother,
  leaveOutNews,
  answerAnother,
  wakeNobody,
  leaveOutATime,
  nameAnotherFiring,
  fireBeside,
]
