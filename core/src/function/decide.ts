/**
 * What an order makes happen to the journal of a durable function, or why not.
 *
 * Y1  What comes a second time (a key, a request id) is accepted and leaves nothing: the first counts, so a worker may send again what was
 *     not acknowledged.
 * Y2  What is handed in together is recorded together, in its order, or not at all.
 * Y3  A function that diverged records nothing more; what comes from outside (signals, updates, timers) is recorded all the same, for when it goes on.
 */
import { type Decision, accept } from '../kernel/decider.js'
import { unreachable } from '../kernel/invariant.js'
import { LIMITS } from '../limits.js'
import type { Failure } from '../task/failure.js'
import type {
  ContinueFunction,
  FunctionCommand,
  JournalProposal,
  RecordFacts,
  SendSignal,
  SendUpdate,
  TimerDue,
} from './commands.js'
import type { FunctionEvent, UpdateAnswered } from './events.js'
import { factsOf, type FunctionJournal, linksOf } from './journal.js'
import { type FunctionRefusal, refuseFunction } from './refusals.js'

type Decided = Decision<FunctionEvent, FunctionRefusal>

export const decideJournal = (journal: FunctionJournal, command: FunctionCommand): Decided => {
  switch (command.type) {
    case 'record':
      return journal.diverged === undefined ? decideRecord(journal, command) : hasDiverged()
    case 'continue':
      return journal.diverged === undefined ? decideContinue(journal, command) : hasDiverged()
    case 'timer_due':
      return decideTimerDue(journal, command)
    case 'signal':
      return decideSignal(journal, command)
    case 'update':
      return decideUpdate(journal, command)
    case 'diverge': {
      const { expected, actual, line } = command
      return journal.diverged === undefined ? accept({ type: 'function.diverged', expected, actual, line }) : accept()
    }
    default:
      return unreachable(command)
  }
}

const hasDiverged = () =>
  refuseFunction('FUNCTION_DIVERGED', 'The code of the function does not fit its journal, and it waits for a person.')

/** What is known while proposals are decided one after another. */
interface Draft {
  readonly keys: Set<string>
  readonly patches: Set<string>
  readonly state: Map<string, string>
  readonly timers: Map<string, 'timer' | 'signal'>
  readonly openUpdates: Set<string>
  operations: number
  readonly events: FunctionEvent[]
}

const decideRecord = (journal: FunctionJournal, { proposals }: RecordFacts): Decided => {
  const draft = draftOf(journal, new Set(proposals.flatMap((proposal) => ('key' in proposal ? [proposal.key] : []))))
  for (const proposal of proposals) propose(draft, proposal)
  const { events, operations, state } = draft
  if (operations > LIMITS.functionOperationsMax) {
    return refuseFunction('TOO_MANY_OPERATIONS', `A function has at most ${LIMITS.functionOperationsMax} operations.`)
  }
  if (state.size > LIMITS.functionStateKeysMax) {
    return refuseFunction('TOO_MANY_STATE_KEYS', `A function shows at most ${LIMITS.functionStateKeysMax} names of state.`)
  }
  return { type: 'accepted', events }
}

/** Of the journal only what concerns the keys that are proposed is looked up. */
const draftOf = (journal: FunctionJournal, proposed: ReadonlySet<string>): Draft => {
  const keys = new Set<string>()
  const patches = new Set<string>()
  for (const { fact } of linksOf(journal)) {
    if (!('key' in fact) || !proposed.has(fact.key)) continue
    if (fact.type === 'timer.started') keys.add(fact.key)
    if (fact.type === 'effect.recorded' && fact.kind === 'patch') patches.add(fact.key)
    if (fact.type === 'effect.recorded' && (fact.kind === 'step' || fact.kind === 'send')) keys.add(fact.key)
  }
  const timers = new Map([...journal.timers].map(([key, { kind }]) => [key, kind]))
  const openUpdates = new Set([...journal.updates].flatMap(([id, { outcome }]) => (outcome === undefined ? [id] : [])))
  return { keys, patches, timers, openUpdates, state: new Map(journal.state), operations: journal.operations, events: [] }
}

/** Y1: what is known already is passed over. */
const propose = (draft: Draft, proposal: JournalProposal): void => {
  switch (proposal.type) {
    case 'effect.recorded':
      return proposeEffect(draft, proposal)
    case 'timer': {
      const { kind, key, dueAt } = proposal
      if (draft.keys.has(key)) return
      draft.timers.set(key, kind)
      return addOperation(draft, key, { type: 'timer.started', kind, key, dueAt })
    }
    case 'update.answered':
      if (draft.openUpdates.delete(proposal.id)) draft.events.push(proposal)
      return
    case 'cancel': {
      const { key } = proposal
      const kind = draft.timers.get(key)
      if (kind === undefined) return
      draft.timers.delete(key)
      draft.events.push({ type: 'timer.cancelled', kind, key })
      return
    }
    default:
      return unreachable(proposal)
  }
}

const proposeEffect = (draft: Draft, effect: Extract<JournalProposal, { readonly type: 'effect.recorded' }>): void => {
  switch (effect.kind) {
    case 'step':
    case 'send':
      if (!draft.keys.has(effect.key)) addOperation(draft, effect.key, effect)
      return
    case 'patch':
      if (!draft.patches.has(effect.key)) draft.events.push(effect)
      draft.patches.add(effect.key)
      return
    case 'state':
      if (draft.state.get(effect.key) !== effect.value) draft.events.push(effect)
      draft.state.set(effect.key, effect.value)
      return
    default:
      return unreachable(effect)
  }
}

const addOperation = (draft: Draft, key: string, fact: FunctionEvent): void => {
  draft.keys.add(key)
  draft.operations++
  draft.events.push(fact)
}

const decideTimerDue = ({ timers }: FunctionJournal, { at, key }: TimerDue): Decided => {
  const timer = timers.get(key)
  if (timer === undefined) return refuseFunction('TIMER_NOT_OPEN', `No timer with the key ${key} runs.`)
  if (at < timer.dueAt) return refuseFunction('NOT_DUE', `The timer ${key} is not due.`)
  return accept({ type: 'timer.fired', kind: timer.kind, key })
}

const decideSignal = (journal: FunctionJournal, { name, payload, requestId }: SendSignal): Decided => {
  if (requestId !== undefined && journal.requests.includes(requestId)) return accept()
  if (journal.signalsKept >= LIMITS.signalsKeptMax) {
    return refuseFunction('TOO_MANY_SIGNALS', `The task has ${LIMITS.signalsKeptMax} signals since it began or last continued.`)
  }
  const number = journal.signals + 1
  return accept(
    requestId === undefined
      ? { type: 'signal.received', name, payload, number }
      : { type: 'signal.received', name, payload, number, requestId },
  )
}

const decideUpdate = ({ updates, updatesKept }: FunctionJournal, { id, name, payload }: SendUpdate): Decided => {
  const known = updates.get(id)
  if (known !== undefined && known.name !== name)
    return refuseFunction('UPDATE_ID_IN_USE', `The update ${id} of the task is one with the name ${known.name}.`)
  if (known !== undefined) return accept()
  if (updatesKept >= LIMITS.updatesKeptMax) {
    return refuseFunction('TOO_MANY_UPDATES', `The task has ${LIMITS.updatesKeptMax} updates since it began or last continued.`)
  }
  return accept({ type: 'update.received', id, name, payload })
}

const decideContinue = (journal: FunctionJournal, { input, unread, seen }: ContinueFunction): Decided => {
  const unknown = new Set(unread)
  if (unknown.size < unread.length) return refuseFunction('UNKNOWN_SIGNAL', 'A signal is kept twice.')
  for (const { fact } of linksOf(journal)) if (fact.type === 'signal.received') unknown.delete(fact.number)
  const [first] = unknown
  if (first !== undefined) return refuseFunction('UNKNOWN_SIGNAL', `The journal has no signal ${first}.`)
  const unseen = factsOf(journal, seen).flatMap(({ fact }) => (fact.type === 'signal.received' ? [fact.number] : []))
  const kept = [...new Set([...unread, ...unseen])].sort((a, b) => a - b)
  return { type: 'accepted', events: [...unanswered(journal, seen), { type: 'function.continued', input, unread: kept }] }
}

/** What it has seen and not answered nobody will: who handles it is gone. */
const unanswered = (journal: FunctionJournal, seen: number): readonly UpdateAnswered[] => {
  const unseen = new Set(factsOf(journal, seen).flatMap(({ fact }) => (fact.type === 'update.received' ? [fact.id] : [])))
  const open = [...journal.updates].filter(([id, { outcome }]) => outcome === undefined && !unseen.has(id))
  return open.map(([id]) => ({ type: 'update.answered', id, outcome: { type: 'failed', failure: NOT_ANSWERED } }))
}

const NOT_ANSWERED: Failure = {
  message: 'The function went on from its beginning before it had answered the update.',
  errorType: 'UpdateError',
  code: 'UPDATE_NOT_ANSWERED',
  retryable: false,
}
