/**
 * The journal of a durable function as its events made it.
 *
 * V1  Nothing is changed in place; a journal shares all it can with the one before. What was recorded is a list that is read from its end.
 * V2  An event that cannot follow is a bug of whoever decided it: it throws, and is never skipped.
 */
import type { Instant } from '../kernel/instant.js'
import { elementAt, invariant, unreachable } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import { LIMITS } from '../limits.js'
import { callTarget } from './call.js'
import { type ChildEnded, type ChildStarted, NO_CHILDREN, type OpenChildren } from './child.js'
import { type KeySets, keySetsOf } from './known-keys.js'
import type { JournalLink } from './links.js'
import { keysDue, NO_TIMERS, openTimer, type OpenTimers, withoutTimer, withTimer } from './open-timers.js'
import { type KeptUpdate, updateAnswered, updateReceived } from './updates.js'
import type {
  CallsCreated,
  EffectRecorded,
  FunctionContinued,
  FunctionDiverged,
  JournalEvent,
  FunctionTimerKind,
  JournalFact,
  SignalReceived,
  TimerStarted,
} from './events.js'
import type { EffectOutcome } from './outcome.js'

export interface FunctionJournal {
  /** From 1; it grows by one each time the function continues. */
  readonly life: number
  /** What the function began with, or last continued with. */
  readonly input: JsonText
  /** When that was. */
  readonly beganAt: Instant
  readonly last: JournalLink | undefined
  /** Facts there are. */
  readonly length: number
  /** The keys of most of them. */
  readonly keySets: KeySets | undefined
  /** The timers that neither fired nor were cancelled. */
  readonly timers: OpenTimers
  /** By key, the children that did not end. */
  readonly children: OpenChildren
  /** By step, the keys of the calls that have not ended. */
  readonly calls: ReadonlyMap<StepId, string>
  /** Calls made in all, through all lives. */
  readonly called: number
  /** What it shows to queries. It stays when the function continues. */
  readonly state: ReadonlyMap<string, JsonText>
  /** Operations whose key is in use: timers, effects and calls alike. */
  readonly operations: number
  /** Signals received in all. */
  readonly signals: number
  /** Signals in the journal. Some of them may be taken: only the function knows. */
  readonly signalsKept: number
  /** The latest request ids of signals, oldest first. */
  readonly requests: readonly string[]
  /** By id, in the order in which they came: all that are open, and the latest that were answered. They stay when the function continues. */
  readonly updates: ReadonlyMap<string, KeptUpdate>
  /** Updates received since it began or last continued. */
  readonly updatesKept: number
  readonly diverged: FunctionDiverged | undefined
}

const NO_CALLS: FunctionJournal['calls'] = new Map()
const NO_STATE: FunctionJournal['state'] = new Map()
const NO_UPDATES: FunctionJournal['updates'] = new Map()

export const emptyJournal = (input: JsonText, at: Instant): FunctionJournal => ({
  life: 1,
  input,
  beganAt: at,
  last: undefined,
  length: 0,
  keySets: undefined,
  timers: NO_TIMERS,
  children: NO_CHILDREN,
  calls: NO_CALLS,
  called: 0,
  state: NO_STATE,
  operations: 0,
  signals: 0,
  signalsKept: 0,
  requests: [],
  updates: NO_UPDATES,
  updatesKept: 0,
  diverged: undefined,
})

export const evolveJournal = (journal: FunctionJournal, event: JournalEvent, at: Instant): FunctionJournal => {
  switch (event.type) {
    case 'effect.recorded':
      return effectRecorded(journal, event, at)
    case 'timer.started':
      return timerStarted(journal, event, at)
    case 'timer.fired':
    case 'timer.cancelled':
      return { ...withFact(journal, event, at), timers: without(journal.timers, event.key, event.kind) }
    case 'steps.created':
      return callsCreated(journal, event, at)
    case 'step.cancelled':
      return seeCallEnded(journal, event.step, { type: 'cancelled' }, at)
    case 'signal.received':
      return signalReceived(journal, event, at)
    case 'update.received': {
      const next = withFact(journal, event, at)
      return { ...next, updates: updateReceived(journal.updates, event), updatesKept: journal.updatesKept + 1 }
    }
    case 'update.answered':
      return { ...withFact(journal, event, at), updates: updateAnswered(journal.updates, event) }
    case 'child.started':
      return childStarted(journal, event, at)
    case 'child.ended':
      return childEnded(journal, event, at)
    case 'function.diverged':
      return { ...journal, diverged: event }
    case 'function.continued':
      return continued(journal, event, at)
    default:
      return unreachable(event)
  }
}

/** The task is to be cancelled. */
export const seeCancel = (journal: FunctionJournal, reason: string | undefined, at: Instant): FunctionJournal =>
  withFact(journal, reason === undefined ? { type: 'task.cancel_requested' } : { type: 'task.cancel_requested', reason }, at)

/** The step of a call has ended; what is no call, or has ended before, is nothing to the function. */
export const seeCallEnded = (journal: FunctionJournal, step: StepId, outcome: EffectOutcome, at: Instant): FunctionJournal => {
  const key = journal.calls.get(step)
  if (key === undefined) return journal
  const calls = new Map(journal.calls)
  calls.delete(step)
  return { ...withFact(journal, { type: 'call.ended', key, outcome }, at), calls }
}

/** Somebody lets a function that diverged run again. */
export const letRun = (journal: FunctionJournal): FunctionJournal => ({ ...journal, diverged: undefined })

/** From the newest to the oldest. */
export function* linksOf({ last }: FunctionJournal): Generator<JournalLink> {
  for (let link = last; link !== undefined; link = link.before) yield link
}

/** What the function sees, in its order; with `from`, what came after the first so many. */
export const factsOf = (journal: FunctionJournal, from = 0): readonly JournalLink[] => {
  const links: JournalLink[] = []
  for (const link of linksOf(journal)) {
    if (links.length >= journal.length - from) break
    links.push(link)
  }
  return links.reverse()
}

/** The first timer to become due. */
export const nextDueAt = ({ timers }: FunctionJournal): Instant | undefined => timers.root?.firstDueAt

/** The keys of the timers that are due, the earliest first. */
export const dueTimers = ({ timers }: FunctionJournal, at: Instant): readonly string[] => keysDue(timers, at)

/** A list of facts, as a journal holds it. */
export type JournalFacts = Pick<FunctionJournal, 'last' | 'length' | 'keySets'>

const NO_FACTS: JournalFacts = { last: undefined, length: 0, keySets: undefined }

/** The list of given facts, in their order. */
export const factList = (facts: Iterable<Pick<JournalLink, 'fact' | 'at'>>): JournalFacts => {
  let list = NO_FACTS
  for (const { fact, at } of facts) list = withFact(list, fact, at)
  return list
}

const withFact = <Facts extends JournalFacts>(facts: Facts, fact: JournalFact, at: Instant): Facts => {
  const last = { fact, at, before: facts.last }
  const length = facts.length + 1
  return { ...facts, last, length, keySets: keySetsOf(facts.keySets, last, length) }
}

const effectRecorded = (journal: FunctionJournal, event: EffectRecorded, at: Instant): FunctionJournal => {
  const next = withFact(journal, event, at)
  switch (event.kind) {
    case 'step':
    case 'send':
      return { ...next, operations: next.operations + 1 }
    case 'patch':
      return next
    case 'state':
      return { ...next, state: new Map(next.state).set(event.key, event.value) }
    default:
      return unreachable(event)
  }
}

const timerStarted = (journal: FunctionJournal, event: TimerStarted, at: Instant): FunctionJournal => {
  const { kind, key, dueAt } = event
  invariant(openTimer(journal.timers, key) === undefined, `a timer with the key ${key} runs already`)
  const next = withFact(journal, event, at)
  const timers = withTimer(journal.timers, key, { kind, dueAt, place: journal.length })
  return { ...next, operations: next.operations + 1, timers }
}

const callsCreated = (journal: FunctionJournal, { steps, calls }: CallsCreated, at: Instant): FunctionJournal => {
  const open = new Map(journal.calls)
  let next = journal
  calls.forEach((call, index) => {
    open.set(elementAt(steps, index, 'a step of a call'), call.key)
    next = withFact(next, { type: 'call.started', key: call.key, target: callTarget(call) }, at)
  })
  const { called, operations } = journal
  return { ...next, calls: open, called: called + calls.length, operations: operations + calls.length }
}

const without = (timers: OpenTimers, key: string, kind: FunctionTimerKind): OpenTimers => {
  invariant(openTimer(timers, key)?.kind === kind, `a ${kind} with the key ${key} runs`)
  return withoutTimer(timers, key)
}

const childStarted = (journal: FunctionJournal, event: ChildStarted, at: Instant): FunctionJournal => {
  invariant(!journal.children.has(event.key), `a child with the key ${event.key} is open already`)
  const next = withFact(journal, event, at)
  return { ...next, operations: next.operations + 1, children: new Map(journal.children).set(event.key, event) }
}

const childEnded = (journal: FunctionJournal, event: ChildEnded, at: Instant): FunctionJournal => {
  invariant(journal.children.get(event.key)?.taskId === event.taskId, `the child with the key ${event.key} is open`)
  const children = new Map(journal.children)
  children.delete(event.key)
  return { ...withFact(journal, event, at), children }
}

const signalReceived = (journal: FunctionJournal, event: SignalReceived, at: Instant): FunctionJournal => {
  invariant(event.number === journal.signals + 1, 'signals are numbered without a gap')
  const { requests } = journal
  const { requestId } = event
  return {
    ...withFact(journal, event, at),
    signals: event.number,
    signalsKept: journal.signalsKept + 1,
    requests: requestId === undefined ? requests : [...requests.slice(1 - LIMITS.signalRequestsKeptMax), requestId],
  }
}

/** Signals keep their numbers and their instants, and so do updates that the function never saw. */
const continued = (journal: FunctionJournal, event: FunctionContinued, at: Instant): FunctionJournal => {
  const unread = new Set(event.unread)
  const { life, signals, state, requests, updates, called } = journal
  const stays = ({ fact }: JournalLink): boolean => {
    if (fact.type === 'signal.received') return unread.has(fact.number)
    return fact.type === 'update.received' && updates.get(fact.id)?.outcome === undefined
  }
  const kept = factsOf(journal).filter(stays)
  const signalsKept = kept.filter(({ fact }) => fact.type === 'signal.received').length
  invariant(signalsKept === unread.size, 'a function that continues keeps signals that it has')
  const begun = { ...emptyJournal(event.input, at), ...factList(kept), life: life + 1 }
  return { ...begun, signals, signalsKept, state, requests, updates, updatesKept: kept.length - signalsKept, called }
}
