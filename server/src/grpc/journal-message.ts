/** Writes the journal of a durable function as the worker's stream carries it (W20 to W25). */
import { type JournalFact, type JournalLink, type LiveTask, unreachable, type UpdateAnswered } from '@tasker/core'
import {
  type FunctionRun,
  type JournalEntry,
  type JournalNews as WireNews,
  type JournalOutcome,
  type JournalUpdateAnswer,
  JournalPause,
  type Payload,
} from '@tasker/proto'
import type { JournalNews, JournalPiece } from '../engine/api.js'
import { wireRef } from './attempt-ref.js'
import { errorDetail } from './errors.js'
import { stepFailure } from './failure.js'
import { payloadOf } from './payload.js'

type Fact = JournalEntry['fact']
type OutcomeFact = Exclude<Extract<JournalFact, { readonly outcome: unknown }>, UpdateAnswered>

/** Bytes of an entry beside its key and what users gave. */
const ENTRY_BYTES_BASE = 32

export const functionRun = ({ journal }: LiveTask, { from, links }: JournalPiece): FunctionRun | undefined =>
  journal && {
    life: journal.life,
    input: from === 0 ? payloadOf(journal.input) : undefined,
    beganAtMs: journal.beganAt,
    from,
    length: journal.length,
    entries: links.map((link) => entryOf(link, false)),
  }

export const wireNews = (news: JournalNews): WireNews => ({
  ref: wireRef(news),
  life: news.life,
  from: news.from,
  entries: news.links.map((link) => entryOf(link, news.asProposed)),
  recorded: news.recorded,
  refused: news.refused && errorDetail(news.refused),
  pause: pauseOf(news.pause),
  input: news.began && payloadOf(news.began.input),
  beganAtMs: news.began?.at ?? 0,
})

/** About how many bytes they take on the wire. */
export const entriesBytes = (entries: readonly JournalEntry[]): number => {
  let bytes = 0
  for (const { key, fact } of entries) bytes += ENTRY_BYTES_BASE + 3 * key.length + factBytes(fact)
  return bytes
}

const factBytes = (fact: Fact): number => {
  switch (fact?.$case) {
    case 'step':
    case 'send':
      return outcomeBytes(fact.value.outcome?.outcome)
    case 'state':
      return fact.value.data.length
    case 'callStarted':
      return 3 * fact.value.length
    case 'callEnded':
      return outcomeBytes(fact.value.outcome)
    case 'signal':
      return 3 * fact.value.name.length + (fact.value.payload?.data.length ?? 0)
    case 'updateReceived':
      return 3 * (fact.value.id.length + fact.value.name.length) + (fact.value.payload?.data.length ?? 0)
    case 'updateAnswered':
      return 3 * fact.value.id.length + outcomeBytes(fact.value.outcome)
    case 'childStarted':
      return 3 * fact.value.length
    case 'childEnded':
      return outcomeBytes(fact.value.outcome)
    case 'cancelRequested':
      return 3 * fact.value.reason.length
    default:
      return 0
  }
}

const outcomeBytes = (outcome: JournalOutcome['outcome'] | JournalUpdateAnswer['outcome']): number => {
  if (outcome?.$case === 'succeeded') return outcome.value.data.length
  return outcome?.$case === 'failed' || outcome?.$case === 'refused'
    ? 3 * (outcome.value.message.length + outcome.value.stack.length)
    : 0
}

const pauseOf = (pause: JournalNews['pause']): JournalPause => {
  switch (pause) {
    case undefined:
      return JournalPause.JOURNAL_PAUSE_UNSPECIFIED
    case 'suspended':
      return JournalPause.JOURNAL_PAUSE_SUSPENDED
    case 'diverged':
      return JournalPause.JOURNAL_PAUSE_DIVERGED
    case 'taken_away':
      return JournalPause.JOURNAL_PAUSE_TAKEN_AWAY
    default:
      return unreachable(pause)
  }
}

const entryOf = ({ fact, at }: JournalLink, asProposed: boolean): JournalEntry => ({
  atMs: at,
  key: 'key' in fact ? fact.key : '',
  fact: factOf(fact, asProposed),
  asProposed,
})

const factOf = (fact: JournalFact, asProposed: boolean): Fact => {
  switch (fact.type) {
    case 'effect.recorded':
      return effectOf(fact, asProposed)
    case 'timer.started':
      return { $case: 'timerStarted', value: { forSignal: fact.kind === 'signal', dueAtMs: fact.dueAt } }
    case 'timer.fired':
      return { $case: 'timerFired', value: { forSignal: fact.kind === 'signal', dueAtMs: 0 } }
    case 'timer.cancelled':
      return { $case: 'timerCancelled', value: { forSignal: fact.kind === 'signal', dueAtMs: 0 } }
    case 'call.started':
      return { $case: 'callStarted', value: fact.target }
    case 'call.ended':
      return { $case: 'callEnded', value: outcomeOf(fact.outcome) }
    case 'signal.received':
      return { $case: 'signal', value: { number: fact.number, name: fact.name, payload: payloadOf(fact.payload) } }
    case 'update.received':
      return { $case: 'updateReceived', value: { id: fact.id, name: fact.name, payload: payloadOf(fact.payload) } }
    case 'update.answered':
      return { $case: 'updateAnswered', value: { id: fact.id, outcome: answerOf(fact.outcome) } }
    case 'child.started':
      return { $case: 'childStarted', value: asProposed ? '' : fact.name }
    case 'child.ended':
      return { $case: 'childEnded', value: outcomeOf(fact.outcome) }
    case 'task.cancel_requested':
      return { $case: 'cancelRequested', value: { reason: fact.reason ?? '' } }
    default:
      return unreachable(fact)
  }
}

const NOTHING: Payload = { encoding: '', data: Buffer.alloc(0) }

const effectOf = (fact: Extract<JournalFact, { readonly type: 'effect.recorded' }>, asProposed: boolean): Fact => {
  switch (fact.kind) {
    case 'patch':
      return { $case: 'patch', value: {} }
    case 'state':
      return { $case: 'state', value: asProposed ? NOTHING : payloadOf(fact.value) }
    case 'step':
      return { $case: 'step', value: { outcome: asProposed ? undefined : outcomeOf(fact.outcome) } }
    case 'send':
      // How it ended the worker does not know.
      return { $case: 'send', value: { outcome: outcomeOf(fact.outcome) } }
    default:
      return unreachable(fact)
  }
}

const outcomeOf = (outcome: OutcomeFact['outcome']): JournalOutcome => {
  switch (outcome.type) {
    case 'succeeded':
      return { outcome: { $case: 'succeeded', value: payloadOf(outcome.result) } }
    case 'failed':
      return { outcome: { $case: 'failed', value: stepFailure(outcome.failure) } }
    case 'cancelled':
      return { outcome: { $case: 'cancelled', value: {} } }
    default:
      return unreachable(outcome)
  }
}

const answerOf = (outcome: UpdateAnswered['outcome']): JournalUpdateAnswer['outcome'] =>
  outcome.type === 'succeeded'
    ? { $case: 'succeeded', value: payloadOf(outcome.result) }
    : { $case: outcome.type, value: stepFailure(outcome.failure) }
