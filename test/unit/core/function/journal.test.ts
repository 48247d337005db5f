// The journal of a durable function: U1 to U3, V1 and V2, Y1 to Y3 of `core/src/function`.
import {
  BugError,
  decideJournal,
  emptyJournal,
  evolveJournal,
  factsOf,
  fold,
  letRun,
  LIMITS,
  nextDueAt,
  trustedJson,
  type FunctionCommand,
  type JournalEvent,
  type FunctionJournal,
  type FunctionRefusalReason,
  type JournalProposal,
} from '@tasker/core'
import { expect, test } from 'vitest'
import { at } from '../../../support/given.js'

const EMPTY = emptyJournal(trustedJson('{"plan":"pro"}'), at(0))

const effect = (key: string, result = '1'): JournalProposal & JournalEvent => ({
  type: 'effect.recorded',
  kind: 'step',
  key,
  outcome: { type: 'succeeded', result: trustedJson(result) },
})
const timer = (key: string, dueMs = 1_000): JournalProposal => ({ type: 'timer', kind: 'timer', key, dueAt: at(dueMs) })
const record = (...proposals: readonly JournalProposal[]): FunctionCommand => ({ type: 'record', at: at(1), proposals })
const signal = (name: string, requestId?: string): FunctionCommand => ({
  type: 'signal',
  at: at(2),
  name,
  payload: trustedJson('{}'),
  ...(requestId === undefined ? {} : { requestId }),
})
const due = (key: string, ms: number): FunctionCommand => ({ type: 'timer_due', at: at(ms), key })
const diverge: FunctionCommand = { type: 'diverge', at: at(3), expected: 'the step a', actual: 'the step b', line: 'f.ts:1:2' }
const goOn = (...unread: readonly number[]): FunctionCommand => ({
  type: 'continue',
  at: at(4),
  input: trustedJson('{"page":2}'),
  seen: 1_000,
  unread,
})

const eventsOf = (journal: FunctionJournal, command: FunctionCommand): readonly JournalEvent[] => {
  const decision = decideJournal(journal, command)
  if (decision.type === 'refused') throw new Error(decision.refusal.message)
  return decision.events
}

const after = (...commands: readonly FunctionCommand[]): FunctionJournal =>
  commands.reduce(
    (journal, command) =>
      fold(
        (folded: FunctionJournal, event: JournalEvent) => evolveJournal(folded, event, command.at),
        journal,
        eventsOf(journal, command),
      ),
    EMPTY,
  )

const refusalOf = (journal: FunctionJournal, command: FunctionCommand): FunctionRefusalReason | undefined => {
  const decision = decideJournal(journal, command)
  return decision.type === 'refused' ? decision.refusal.reason : undefined
}

const typesIn = (journal: FunctionJournal): readonly string[] => factsOf(journal).map(({ fact }) => fact.type)

test('what is handed in together is recorded together, in its order (U3, Y2)', () => {
  const patch: JournalProposal = { type: 'effect.recorded', kind: 'patch', key: 'new-tax' }
  const state: JournalProposal = { type: 'effect.recorded', kind: 'state', key: 'phase', value: trustedJson('"one"') }
  const journal = after(record(patch, state, effect('a'), timer('sleep')))
  expect(typesIn(journal)).toEqual(['effect.recorded', 'effect.recorded', 'effect.recorded', 'timer.started'])
  expect(journal).toMatchObject({ length: 4, operations: 2 })
  expect(journal.state.get('phase')).toBe('"one"')
})

test('an effect is recorded once a key: the first counts (U1, Y1)', () => {
  const journal = after(record(effect('a', '1')))
  expect(eventsOf(journal, record(effect('a', '2')))).toEqual([])
  expect(eventsOf(EMPTY, record(effect('a', '1'), effect('a', '2')))).toEqual([effect('a', '1')])
})

test('a timer is started once a key, and fires once, when it is due (U2)', () => {
  const journal = after(record(timer('sleep', 1_000)))
  expect(eventsOf(journal, record(timer('sleep', 2_000)))).toEqual([])
  expect(refusalOf(journal, due('sleep', 999))).toBe('NOT_DUE')
  expect(eventsOf(journal, due('sleep', 1_000))).toEqual([{ type: 'timer.fired', kind: 'timer', key: 'sleep' }])
  const fired = after(record(timer('sleep', 1_000)), due('sleep', 1_000))
  expect(refusalOf(fired, due('sleep', 2_000))).toBe('TIMER_NOT_OPEN')
  expect(eventsOf(fired, record(timer('sleep')))).toEqual([])
})

test('a timer that is cancelled does not fire, and one that does not run is not cancelled', () => {
  const cancelled = after(record(timer('wait')), record({ type: 'cancel', key: 'wait' }))
  expect(typesIn(cancelled)).toEqual(['timer.started', 'timer.cancelled'])
  expect(refusalOf(cancelled, due('wait', 5_000))).toBe('TIMER_NOT_OPEN')
  expect(eventsOf(cancelled, record({ type: 'cancel', key: 'wait' }, { type: 'cancel', key: 'other' }))).toEqual([])
})

test('a timer may be started and cancelled in one go', () => {
  expect(typesIn(after(record(timer('wait'), { type: 'cancel', key: 'wait' })))).toEqual(['timer.started', 'timer.cancelled'])
})

test('the first timer to become due is known', () => {
  expect(nextDueAt(EMPTY)).toBeUndefined()
  expect(nextDueAt(after(record(timer('b', 30), timer('a', 20), timer('c', 40))))).toBe(at(20))
})

test('a patch is recorded once, and state only when it is new', () => {
  const patch: JournalProposal = { type: 'effect.recorded', kind: 'patch', key: 'new-tax' }
  const state = (value: string): JournalProposal => ({
    type: 'effect.recorded',
    kind: 'state',
    key: 'n',
    value: trustedJson(value),
  })
  const journal = after(record(patch, state('1'), state('2')))
  expect(eventsOf(journal, record(patch, state('2')))).toEqual([])
  expect(eventsOf(journal, record(state('1')))).toHaveLength(1)
  // A patch and a step may have the same name: they are asked for in other ways.
  expect(eventsOf(journal, record(effect('new-tax')))).toHaveLength(1)
})

test('signals are numbered, and a repeat of a request is the same signal (Y1)', () => {
  const journal = after(signal('note', 'r-1'), signal('note'), signal('other', 'r-2'))
  expect(factsOf(journal).map(({ fact }) => fact)).toMatchObject([
    { number: 1, requestId: 'r-1' },
    { number: 2 },
    { number: 3, requestId: 'r-2' },
  ])
  expect(eventsOf(journal, signal('note', 'r-1'))).toEqual([])
})

test('only so many request ids are remembered', () => {
  const commands = Array.from({ length: LIMITS.signalRequestsKeptMax + 1 }, (_, index) => signal('note', `r-${index}`))
  const journal = after(...commands)
  expect(journal.requests).toHaveLength(LIMITS.signalRequestsKeptMax)
  expect(eventsOf(journal, signal('note', 'r-1'))).toEqual([])
  expect(eventsOf(journal, signal('note', 'r-0'))).toHaveLength(1)
})

test('a function that diverged records nothing more, but hears what comes from outside (Y3)', () => {
  const journal = after(record(timer('sleep')), diverge)
  expect(journal.diverged).toMatchObject({ expected: 'the step a', actual: 'the step b', line: 'f.ts:1:2' })
  expect(refusalOf(journal, record(effect('a')))).toBe('FUNCTION_DIVERGED')
  expect(refusalOf(journal, goOn())).toBe('FUNCTION_DIVERGED')
  expect(eventsOf(journal, diverge)).toEqual([])
  expect(eventsOf(journal, signal('note'))).toHaveLength(1)
  expect(eventsOf(journal, due('sleep', 1_000))).toHaveLength(1)
  expect(eventsOf(letRun(journal), record(effect('a')))).toHaveLength(1)
})

test('a function that continues begins with an empty journal and the signals that nobody took', () => {
  const before = after(
    record(effect('a'), timer('sleep'), { type: 'effect.recorded', kind: 'state', key: 'n', value: trustedJson('1') }),
    signal('note', 'r-1'),
    signal('note', 'r-2'),
    signal('note', 'r-3'),
  )
  const [continued] = eventsOf(before, goOn(3, 2))
  expect(continued).toEqual({ type: 'function.continued', input: '{"page":2}', unread: [2, 3] })
  const journal = after(record(effect('a'), timer('sleep')), signal('note', 'r-1'), signal('note'), signal('note'), goOn(3, 2))
  expect(journal).toMatchObject({ input: '{"page":2}', length: 2, operations: 0, signals: 3, signalsKept: 2, beganAt: at(4) })
  expect(factsOf(journal).map(({ fact, at: when }) => [fact.type === 'signal.received' ? fact.number : 0, when])).toEqual([
    [2, at(2)],
    [3, at(2)],
  ])
  expect(journal.timers.size).toBe(0)
  expect(eventsOf(journal, signal('note', 'r-1'))).toEqual([])
  expect(eventsOf(journal, record(effect('a')))).toHaveLength(1)
})

test('signals that the function had not seen when it continued stay', () => {
  const journal = after(signal('note'), signal('note'), record(effect('a')), signal('late'))
  const [continued] = eventsOf(journal, { type: 'continue', at: at(4), input: trustedJson('1'), seen: 3, unread: [2] })
  expect(continued).toMatchObject({ unread: [2, 3] })
})

test('state stays when a function continues', () => {
  const state: JournalProposal = { type: 'effect.recorded', kind: 'state', key: 'n', value: trustedJson('1') }
  expect(after(record(state), goOn()).state.get('n')).toBe('1')
})

test('only signals that are there are kept, each once', () => {
  const journal = after(signal('note'))
  expect(refusalOf(journal, goOn(2))).toBe('UNKNOWN_SIGNAL')
  expect(refusalOf(journal, goOn(1, 1))).toBe('UNKNOWN_SIGNAL')
  expect(refusalOf(journal, goOn(1))).toBeUndefined()
})

test('there are only so many operations, names of state and signals; too much at once leaves nothing (Y2)', () => {
  const many = Array.from({ length: LIMITS.functionOperationsMax }, (_, index) => effect(`step ${index}`))
  const full = after(record(...many))
  expect(refusalOf(full, record(effect('one more')))).toBe('TOO_MANY_OPERATIONS')
  expect(eventsOf(full, record(effect('step 7')))).toEqual([])
  const names = Array.from(
    { length: LIMITS.functionStateKeysMax + 1 },
    (_, index): JournalProposal => ({
      type: 'effect.recorded',
      kind: 'state',
      key: `name ${index}`,
      value: trustedJson('1'),
    }),
  )
  expect(refusalOf(EMPTY, record(effect('a'), ...names))).toBe('TOO_MANY_STATE_KEYS')
  const noisy: FunctionJournal = { ...EMPTY, signalsKept: LIMITS.signalsKeptMax }
  expect(refusalOf(noisy, signal('note'))).toBe('TOO_MANY_SIGNALS')
})

test('what comes after the first so many facts is told by itself', () => {
  const journal = after(record(effect('a'), effect('b')), signal('note'))
  expect(factsOf(journal, 2).map(({ fact }) => fact.type)).toEqual(['signal.received'])
  expect(factsOf(journal, 3)).toEqual([])
})

test('an event that cannot follow is a bug (V2)', () => {
  const evolving =
    (event: JournalEvent, journal = EMPTY) =>
    () =>
      evolveJournal(journal, event, at(1))
  const running = after(record(timer('sleep')))
  expect(evolving({ type: 'timer.fired', kind: 'timer', key: 'sleep' })).toThrow(BugError)
  expect(evolving({ type: 'timer.cancelled', kind: 'signal', key: 'sleep' }, running)).toThrow(BugError)
  expect(evolving({ type: 'timer.started', kind: 'timer', key: 'sleep', dueAt: at(1) }, running)).toThrow(BugError)
  expect(evolving({ type: 'signal.received', name: 'note', payload: trustedJson('1'), number: 2 })).toThrow(BugError)
  expect(evolving({ type: 'function.continued', input: trustedJson('1'), unread: [1] })).toThrow(BugError)
})
