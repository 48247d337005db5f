// What holds for every journal, whatever comes to it and in whatever order.
import {
  decideJournal,
  emptyJournal,
  evolveJournal,
  factsOf,
  openTimersOf,
  letRun,
  trustedJson,
  type FunctionCommand,
  present,
  type FunctionJournal,
  type JournalEvent,
  type JournalFact,
  type JournalProposal,
} from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at, callOf, child, childTask } from '../../../support/given.js'

const key = fc.constantFrom('a', 'b', 'c', 'd')
const kind = fc.constantFrom('timer' as const, 'signal' as const)
const json = fc.integer({ min: 0, max: 3 }).map((n) => trustedJson(String(n)))

const proposal: fc.Arbitrary<JournalProposal> = fc.oneof(
  fc.record({ key, result: json, kind: fc.constantFrom('step' as const, 'send' as const) }).map(
    (given): JournalProposal => ({
      type: 'effect.recorded',
      kind: given.kind,
      key: given.key,
      outcome: { type: 'succeeded', result: given.result },
    }),
  ),
  key.map((name): JournalProposal => ({ type: 'effect.recorded', kind: 'patch', key: name })),
  fc.record({ key, value: json }).map((given): JournalProposal => ({ type: 'effect.recorded', kind: 'state', ...given })),
  fc
    .record({ key, kind, dueMs: fc.nat(20) })
    .map((given): JournalProposal => ({ type: 'timer', kind: given.kind, key: given.key, dueAt: at(given.dueMs) })),
  key.map((name): JournalProposal => ({ type: 'cancel', key: name })),
  fc
    .record({ name: key, onClose: fc.constantFrom('cancel' as const, 'abandon' as const) })
    .map((given) => child(given.name, given.onClose)),
  fc
    .record({ key, input: json })
    .map((given): JournalProposal => ({ type: 'call', call: callOf(given.key, { input: given.input }) })),
)

const move: fc.Arbitrary<(journal: FunctionJournal, ms: number) => FunctionCommand | 'let run'> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(proposal, { minLength: 1, maxLength: 4 })
      .map((proposals) => (_: FunctionJournal, ms: number) => ({ type: 'record' as const, at: at(ms), proposals })),
  },
  {
    weight: 4,
    arbitrary: key.map((name) => (_: FunctionJournal, ms: number) => ({ type: 'timer_due' as const, at: at(ms), key: name })),
  },
  {
    weight: 2,
    arbitrary: fc.record({ name: key, of: key }).map((given) => (_: FunctionJournal, ms: number) => ({
      type: 'child_over' as const,
      at: at(ms),
      key: given.name,
      taskId: childTask(given.of),
      outcome: { type: 'cancelled' as const },
    })),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ name: key, payload: json, request: fc.option(fc.constantFrom('r1', 'r2', 'r3')) })
      .map((given) => (_: FunctionJournal, ms: number) => ({
        type: 'signal' as const,
        at: at(ms),
        name: given.name,
        payload: given.payload,
        ...(given.request === null ? {} : { requestId: given.request }),
      })),
  },
  {
    weight: 1,
    arbitrary: fc.infiniteStream(fc.boolean()).map((keeps) => (journal: FunctionJournal, ms: number) => ({
      type: 'continue' as const,
      at: at(ms),
      input: trustedJson('1'),
      seen: journal.length,
      unread: factsOf(journal).flatMap(({ fact }) =>
        fact.type === 'signal.received' && keeps.next().value === true ? [fact.number] : [],
      ),
    })),
  },
  {
    weight: 1,
    arbitrary: fc.constant((_: FunctionJournal, ms: number) => ({
      type: 'diverge' as const,
      at: at(ms),
      expected: 'x',
      actual: 'y',
      line: '',
    })),
  },
  { weight: 1, arbitrary: fc.constant(() => 'let run' as const) },
)

interface Lived {
  readonly journal: FunctionJournal
  readonly events: readonly { readonly event: JournalEvent; readonly ms: number }[]
}

const lived = fc.array(move, { maxLength: 40 }).map((moves): Lived & { readonly steps: readonly FunctionJournal[] } => {
  let journal = emptyJournal(trustedJson('0'), at(0))
  const events: { event: JournalEvent; ms: number }[] = []
  const steps = [journal]
  moves.forEach((make, ms) => {
    const command = make(journal, ms)
    if (command === 'let run') {
      journal = letRun(journal)
      return
    }
    const decision = decideJournal(journal, command)
    if (decision.type === 'refused') return
    for (const event of decision.events) {
      journal = evolveJournal(journal, event, at(ms))
      events.push({ event, ms })
      steps.push(journal)
    }
  })
  return { journal, events, steps }
})

/** The events since the function began or last continued, and the signals it kept. */
const sinceBegun = (events: Lived['events']): Lived['events'] => {
  const last = events.findLastIndex(({ event }) => event.type === 'function.continued')
  const continued = events[last]?.event
  const kept = continued?.type === 'function.continued' ? continued.unread : []
  const signals = events.slice(0, last + 1).filter(({ event }) => event.type === 'signal.received' && kept.includes(event.number))
  return [...signals, ...events.slice(last + 1)]
}

/** What the function sees of them: of its calls that they were made, and how they ended. */
const seen = (events: Lived['events']): readonly { readonly fact: JournalFact; readonly ms: number }[] => {
  const keys = new Map<string, string>()
  return sinceBegun(events).flatMap(({ event, ms }): { fact: JournalFact; ms: number }[] => {
    switch (event.type) {
      case 'function.diverged':
      case 'function.continued':
        return []
      case 'steps.created':
        return event.calls.map(({ key: name, callable }, index) => {
          keys.set(present(event.steps[index], 'a step'), name)
          return { fact: { type: 'call.started', key: name, target: callable }, ms }
        })
      case 'step.cancelled':
        return [
          { fact: { type: 'call.ended', key: present(keys.get(event.step), 'a call'), outcome: { type: 'cancelled' } }, ms },
        ]
      default:
        return [{ fact: event, ms }]
    }
  })
}

const RUNS = { numRuns: 1_000 }

test('the facts a function sees are its events, in their order (U3)', () => {
  fc.assert(
    fc.property(lived, ({ journal, events }) => {
      const facts = seen(events)
      expect(factsOf(journal).map(({ fact, at: when }) => [fact, when])).toEqual(facts.map(({ fact, ms }) => [fact, at(ms)]))
      expect(journal.length).toBe(facts.length)
    }),
    RUNS,
  )
})

test('an operation has a key of its own (U1), and a timer that began ends at most once (U2)', () => {
  fc.assert(
    fc.property(lived, ({ journal, events }) => {
      const facts = sinceBegun(events).map(({ event }) => event)
      const begun = facts.flatMap((event) =>
        event.type === 'timer.started' ||
        event.type === 'child.started' ||
        (event.type === 'effect.recorded' && (event.kind === 'step' || event.kind === 'send'))
          ? [event.key]
          : event.type === 'steps.created'
            ? event.calls.map(({ key: name }) => name)
            : [],
      )
      expect(new Set(begun).size).toBe(begun.length)
      expect(journal.operations).toBe(begun.length)
      const started = facts.flatMap((event) => (event.type === 'timer.started' ? [event.key] : []))
      const ended = facts.flatMap((event) =>
        event.type === 'timer.fired' || event.type === 'timer.cancelled' ? [event.key] : [],
      )
      expect(new Set(ended).size).toBe(ended.length)
      expect(Array.from(openTimersOf(journal.timers), ([key]) => key).sort()).toEqual(
        started.filter((name) => !ended.includes(name)).sort(),
      )
    }),
    RUNS,
  )
})

test('a child is begun once a key (K1), ends at most once (K2), and is open in between', () => {
  fc.assert(
    fc.property(lived, ({ journal, events }) => {
      const facts = sinceBegun(events).map(({ event }) => event)
      const begun = facts.flatMap((event) => (event.type === 'child.started' ? [event.key] : []))
      const ended = facts.flatMap((event) => (event.type === 'child.ended' ? [event.key] : []))
      expect(new Set(begun).size).toBe(begun.length)
      expect(new Set(ended).size).toBe(ended.length)
      expect([...journal.children.keys()].sort()).toEqual(begun.filter((name) => !ended.includes(name)).sort())
    }),
    RUNS,
  )
})

test('a signal with the same request is there once', () => {
  fc.assert(
    fc.property(lived, ({ events }) => {
      const requests = events.flatMap(({ event }) =>
        event.type === 'signal.received' && event.requestId !== undefined ? [event.requestId] : [],
      )
      expect(new Set(requests).size).toBe(requests.length)
    }),
    RUNS,
  )
})

test('nothing is changed in place (V1): every journal there was is what its events say', () => {
  fc.assert(
    fc.property(lived, ({ events, steps }) => {
      let again = emptyJournal(trustedJson('0'), at(0))
      events.forEach(({ event, ms }, index) => {
        again = evolveJournal(again, event, at(ms))
        expect({ ...steps[index + 1], diverged: undefined }).toEqual({ ...again, diverged: undefined })
      })
    }),
    { numRuns: 200 },
  )
})
