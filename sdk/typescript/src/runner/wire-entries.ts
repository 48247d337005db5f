/** The journal as the wire carries it, and as the scheduler reads it. */
import type { JournalEntry as WireEntry, JournalOutcome, JournalProposal, JournalUpdateAnswer, Payload } from '@tasker/proto'
import { failureOfWire } from '../client/task-state.js'
import type { JournalEntry, JournalFact, Outcome, UpdateOutcome } from '../durable/entries.js'
import { TaskerError } from '../errors/tasker-error.js'

/** What the worker handed in under a key, of which an entry comes back without its value. */
export type AsProposed = (key: string, of: Kind) => JournalProposal['proposal']

type Kind = NonNullable<JournalProposal['proposal']>['$case']

/** Throws for what this library cannot read. */
export const entryOfWire = (entry: WireEntry, asProposed: AsProposed): JournalEntry => ({
  ...factOf(entry, asProposed),
  at: entry.atMs,
})

const factOf = (entry: WireEntry, asProposed: AsProposed): JournalFact => {
  const { key, fact } = entry
  switch (fact?.$case) {
    case 'step': {
      const outcome = fact.value.outcome ?? given(entry, asProposed(key, 'step'), 'step')
      return { type: 'effect.recorded', kind: 'step', key, outcome: outcomeOfWire(outcome) }
    }
    case 'send':
      return { type: 'effect.recorded', kind: 'send', key, outcome: outcomeOfWire(fact.value.outcome) }
    case 'timerStarted':
      return { type: 'timer.started', key, kind: kindOf(fact.value.forSignal), dueAt: fact.value.dueAtMs }
    case 'timerFired':
      return { type: 'timer.fired', key, kind: kindOf(fact.value.forSignal) }
    case 'timerCancelled':
      return { type: 'timer.cancelled', key, kind: kindOf(fact.value.forSignal) }
    case 'patch':
      return { type: 'effect.recorded', kind: 'patch', key }
    case 'state': {
      const value =
        entry.asProposed && fact.value.data.length === 0 ? given(entry, asProposed(key, 'state'), 'state') : fact.value
      return { type: 'effect.recorded', kind: 'state', key, value: textOf(value) }
    }
    case 'signal': {
      const { number, name, payload } = fact.value
      return { type: 'signal.received', number, name, payload: textOf(payload) }
    }
    case 'updateReceived': {
      const { id, name, payload } = fact.value
      return { type: 'update.received', id, name, payload: textOf(payload) }
    }
    case 'updateAnswered':
      return { type: 'update.answered', id: fact.value.id, outcome: answerOfWire(fact.value) }
    case 'cancelRequested':
      return { type: 'task.cancel_requested', reason: fact.value.reason }
    case 'callStarted':
      return { type: 'call.started', key, target: fact.value || given(entry, asProposed(key, 'call'), 'call').handler }
    case 'callEnded':
      return { type: 'call.ended', key, outcome: outcomeOfWire(fact.value) }
    case 'childStarted':
      return { type: 'child.started', key, target: fact.value || given(entry, asProposed(key, 'child'), 'child').name }
    case 'childEnded':
      return { type: 'child.ended', key, outcome: outcomeOfWire(fact.value) }
    case undefined:
      throw unreadable('an entry of a kind that this library does not know')
  }
}

const kindOf = (forSignal: boolean): 'timer' | 'signal' => (forSignal ? 'signal' : 'timer')

type Given<Of extends Kind> = Extract<NonNullable<JournalProposal['proposal']>, { readonly $case: Of }>['value']

const given = <Of extends Kind>(entry: WireEntry, proposal: JournalProposal['proposal'], of: Of): Given<Of> => {
  if (proposal?.$case === of) return proposal.value as Given<Of>
  throw unreadable(`an entry for ${entry.key} without its value, which this worker did not hand in`)
}

const outcomeOfWire = (wire: JournalOutcome | undefined): Outcome => {
  const outcome = wire?.outcome
  switch (outcome?.$case) {
    case 'succeeded':
      return { type: 'succeeded', result: textOf(outcome.value) }
    case 'failed':
      return { type: 'failed', failure: failureOfWire(outcome.value) }
    case 'cancelled':
      return { type: 'cancelled' }
    case undefined:
      throw unreadable('an outcome of a kind that this library does not know')
  }
}

const answerOfWire = ({ outcome }: JournalUpdateAnswer): UpdateOutcome => {
  switch (outcome?.$case) {
    case 'succeeded':
      return { type: 'succeeded', result: textOf(outcome.value) }
    case 'failed':
    case 'refused':
      return { type: outcome.$case, failure: failureOfWire(outcome.value) }
    case undefined:
      throw unreadable('an answer of a kind that this library does not know')
  }
}

/** The JSON text of a payload; nothing means null. */
export const textOf = (payload: Payload | undefined): string => {
  if (payload === undefined || payload.data.length === 0) return 'null'
  if (payload.encoding === '' || payload.encoding === 'json/plain') return payload.data.toString('utf8')
  throw unreadable(`a payload of the encoding ${payload.encoding}`)
}

const unreadable = (what: string): TaskerError =>
  new TaskerError({ code: 'INTERNAL', reason: 'JOURNAL_UNREADABLE', message: `the journal has ${what}` })

/** About how many bytes an entry takes. */
export const entryBytes = (entry: JournalEntry): number => {
  const key = 'key' in entry ? entry.key.length : 0
  if ('outcome' in entry) return BYTES_BASE + key + (entry.outcome.type === 'succeeded' ? entry.outcome.result.length : 0)
  if ('value' in entry) return BYTES_BASE + key + entry.value.length
  return BYTES_BASE + key + ('payload' in entry ? entry.payload.length : 0)
}

const BYTES_BASE = 128
