/**
 * What an order makes happen to the journal of a durable function, or why not.
 *
 * Y1  What comes a second time (a key, a request id) is accepted and leaves nothing: the first counts, so a worker may send again what was
 *     not acknowledged.
 * Y2  What is handed in together is recorded together, in its order, or not at all.
 * Y3  A function that diverged records nothing more; what comes from outside (signals, updates, timers) is recorded all the same, for when it goes on.
 * Y4  A call is open until its step ends. A function that goes on from its beginning waits for no call any more, so those that are open are
 *     cancelled before.
 */
import { type Decision, accept } from '../kernel/decider.js'
import { unreachable } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import { LIMITS } from '../limits.js'
import type { Failure } from '../task/failure.js'
import { type CallOf, callStepName } from './call.js'
import { type ChildStarted, childStarted, letGo } from './child.js'
import type {
  ChildOver,
  ContinueFunction,
  FunctionCommand,
  JournalProposal,
  RecordFacts,
  SendSignal,
  SendUpdate,
  TimerDue,
} from './commands.js'
import type { CallsCreated, FunctionEvent, JournalEvent, UpdateAnswered } from './events.js'
import { factsOf, type FunctionJournal, linksOf } from './journal.js'
import { knownAmong } from './known-keys.js'
import { openTimer } from './open-timers.js'
import { type FunctionRefusal, refuseFunction } from './refusals.js'

type Decided = Decision<JournalEvent, FunctionRefusal>

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
    case 'child_over':
      return decideChildOver(journal, command)
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
  readonly children: Map<string, ChildStarted>
  /** By key, the steps of the calls that are open. */
  readonly calls: Map<string, StepId>
  /** Calls that the task ever made. */
  called: number
  operations: number
  readonly events: JournalEvent[]
  /** The last of the events, while calls follow on calls. */
  together: Together
}

interface Together extends CallsCreated {
  readonly steps: StepId[]
  readonly calls: CallOf[]
}

const noCalls = (): Together => ({ type: 'steps.created', segment: 'calls', steps: [], calls: [] })

const decideRecord = (journal: FunctionJournal, { proposals }: RecordFacts): Decided => {
  const draft = draftOf(journal, new Set(proposals.map(keyOf)))
  for (const proposal of proposals) propose(draft, proposal)
  const { events, operations, state, children } = draft
  if (operations > LIMITS.functionOperationsMax) {
    return refuseFunction('TOO_MANY_OPERATIONS', `A function has at most ${LIMITS.functionOperationsMax} operations.`)
  }
  if (children.size > LIMITS.openChildrenMax) {
    return refuseFunction('TOO_MANY_CHILDREN', `A function waits for at most ${LIMITS.openChildrenMax} children at once.`)
  }
  if (state.size > LIMITS.functionStateKeysMax) {
    return refuseFunction('TOO_MANY_STATE_KEYS', `A function shows at most ${LIMITS.functionStateKeysMax} names of state.`)
  }
  return { type: 'accepted', events }
}

const keyOf = (proposal: JournalProposal): string => {
  if (proposal.type === 'call') return proposal.call.key
  return proposal.type === 'update.answered' ? proposal.id : proposal.key
}

/** Of the journal only what concerns the keys that are proposed is looked up. */
const draftOf = (journal: FunctionJournal, proposed: ReadonlySet<string>): Draft => {
  const { operations: keys, patches } = knownAmong(journal, proposed)
  const timers = new Map<string, 'timer' | 'signal'>()
  for (const key of proposed) {
    const timer = openTimer(journal.timers, key)
    if (timer !== undefined) timers.set(key, timer.kind)
  }
  const openUpdates = new Set([...journal.updates].flatMap(([id, { outcome }]) => (outcome === undefined ? [id] : [])))
  const children = new Map(journal.children)
  const calls = new Map([...journal.calls].filter(([, key]) => proposed.has(key)).map(([step, key]) => [key, step]))
  const { called, operations } = journal
  const state = new Map(journal.state)
  return { keys, patches, timers, openUpdates, children, calls, called, state, operations, events: [], together: noCalls() }
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
    case 'call':
      return proposeCall(draft, proposal.call)
    case 'child': {
      if (draft.keys.has(proposal.key)) return
      const child = childStarted(proposal)
      draft.children.set(child.key, child)
      return addOperation(draft, child.key, child)
    }
    case 'cancel':
      return proposeCancel(draft, proposal.key)
    default:
      return unreachable(proposal)
  }
}

/** Calls that are asked for together are created together. */
const proposeCall = (draft: Draft, call: CallOf): void => {
  if (draft.keys.has(call.key)) return
  const step = callStepName(call.key, ++draft.called)
  draft.keys.add(call.key)
  draft.calls.set(call.key, step)
  draft.operations++
  if (draft.events.at(-1)?.type !== 'steps.created') {
    draft.together = noCalls()
    draft.events.push(draft.together)
  }
  draft.together.steps.push(step)
  draft.together.calls.push(call)
}

/** A child that outlives its parent outlives who waited for it, too. */
const proposeCancel = (draft: Draft, key: string): void => {
  const kind = draft.timers.get(key)
  if (kind !== undefined) {
    draft.timers.delete(key)
    draft.events.push({ type: 'timer.cancelled', kind, key })
  }
  const child = draft.children.get(key)
  if (child?.onClose === 'cancel') {
    draft.children.delete(key)
    draft.events.push(letGo(child))
  }
  const step = draft.calls.get(key)
  if (step !== undefined) {
    draft.calls.delete(key)
    draft.events.push({ type: 'step.cancelled', step })
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
  const timer = openTimer(timers, key)
  if (timer === undefined) return refuseFunction('TIMER_NOT_OPEN', `No timer with the key ${key} runs.`)
  if (at < timer.dueAt) return refuseFunction('NOT_DUE', `The timer ${key} is not due.`)
  return accept({ type: 'timer.fired', kind: timer.kind, key })
}

/** K2: what comes for a child that is not open says nothing new. */
const decideChildOver = ({ children }: FunctionJournal, { key, taskId, outcome }: ChildOver): Decided =>
  children.get(key)?.taskId === taskId ? accept({ type: 'child.ended', key, taskId, outcome }) : accept()

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
  const cancelled = [...journal.calls.keys()].map((step): JournalEvent => ({ type: 'step.cancelled', step }))
  const before = [...cancelled, ...cancelledChildren(journal), ...unanswered(journal, seen)]
  return accept<JournalEvent>(...before, { type: 'function.continued', input, unread: kept })
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

/** A life that begins anew hears nothing of the children before it: those that are not to outlive it are cancelled. */
const cancelledChildren = ({ children }: FunctionJournal): readonly FunctionEvent[] =>
  [...children.values()].flatMap((child) => (child.onClose === 'cancel' ? [letGo(child)] : []))
