// Journals with thousands of operations: what one more costs is bounded, I1, I2, T1 and T2 of `core/src/function`.
import {
  decideJournal,
  dueTimers,
  emptyJournal,
  evolveJournal,
  factsOf,
  LIMITS,
  nextDueAt,
  NO_TIMERS,
  openTimer,
  openTimersOf,
  trustedJson,
  withTimer,
  type FunctionEvent,
  type FunctionJournal,
  type Instant,
  type JournalEvent,
  type JournalProposal,
} from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at } from '../../../support/given.js'

const EMPTY = emptyJournal(trustedJson('{}'), at(0))
const MANY = LIMITS.functionOperationsMax

const step = (key: string): Extract<JournalProposal, FunctionEvent> => ({
  type: 'effect.recorded',
  kind: 'step',
  key,
  outcome: { type: 'succeeded', result: trustedJson('1') },
})
const sleep = (key: string, dueMs: number): JournalProposal => ({ type: 'timer', kind: 'timer', key, dueAt: at(dueMs) })

const decided = (journal: FunctionJournal, ...proposals: readonly JournalProposal[]): readonly JournalEvent[] => {
  const decision = decideJournal(journal, { type: 'record', at: at(1), proposals })
  if (decision.type === 'refused') throw new Error(decision.refusal.message)
  return decision.events
}

const recorded = (journal: FunctionJournal, ...proposals: readonly JournalProposal[]): FunctionJournal =>
  decided(journal, ...proposals).reduce((folded, event) => evolveJournal(folded, event, at(1)), journal)

const setsOf = (journal: FunctionJournal): readonly NonNullable<FunctionJournal['keySets']>[] => {
  const all = []
  for (let sets = journal.keySets; sets !== undefined; sets = sets.before) all.push(sets)
  return all
}

test('I1, I2: of a journal with as many operations as there may be, few facts and few sets are looked at for a key', () => {
  let journal = EMPTY
  let copied = 0
  for (let n = 0; n < MANY; n++) {
    const before = new Set(setsOf(journal))
    journal = recorded(journal, step(`s${n}`))
    for (const sets of setsOf(journal)) if (!before.has(sets)) copied += sets.operations.size
  }
  const sets = setsOf(journal)
  const inSets = sets.reduce((sum, { facts }) => sum + facts, 0)
  expect(sets.reduce((sum, { operations }) => sum + operations.size, 0)).toBe(inSets)
  expect(journal.length - inSets).toBeLessThan(LIMITS.journalFactsUnindexed)
  expect(sets.length).toBeLessThanOrEqual(Math.log2(MANY / LIMITS.journalFactsUnindexed) + 1)
  // Each key was put into one set for each doubling, at most: copying all of them for every operation would be 50 million.
  expect(copied).toBeLessThanOrEqual(MANY * Math.ceil(Math.log2(MANY / LIMITS.journalFactsUnindexed) + 1))
})

test('Y1 in a long journal: a key is known wherever it stands', () => {
  const kinds = (n: number): JournalProposal => {
    if (n % 3 === 0) return step(`k${n}`)
    return n % 3 === 1 ? sleep(`k${n}`, n) : { type: 'effect.recorded', kind: 'patch', key: `k${n}` }
  }
  const all = Array.from({ length: 500 }, (_, n) => kinds(n))
  const journal = all.reduce((before, proposal) => recorded(before, proposal), EMPTY)
  for (const proposal of all) expect(decided(journal, proposal)).toEqual([])
  // A patch is no operation: its id may be a key as well.
  expect(decided(journal, step('k2'), step('new'))).toMatchObject([{ key: 'k2' }, { key: 'new' }])
})

test('the sets of a journal follow from its facts alone', () => {
  const one = recorded(EMPTY, ...Array.from({ length: 100 }, (_, n) => step(`s${n}`)))
  const other = Array.from({ length: 100 }, (_, n) => step(`s${n}`)).reduce((journal, each) => recorded(journal, each), EMPTY)
  expect(one).toEqual(other)
  expect(setsOf(one).map(({ facts }) => facts)).toEqual([32, 64])
  expect(factsOf(one)).toHaveLength(100)
})

type Node = NonNullable<FunctionJournal['timers']['root']>

const nodesOf = ({ root }: FunctionJournal['timers']): Set<Node> => {
  const nodes = new Set<Node>()
  const visit = (node: Node | undefined): void => {
    if (node === undefined) return
    nodes.add(node)
    visit(node.left)
    visit(node.right)
  }
  visit(root)
  return nodes
}

test('one timer of ten thousand costs a few nodes when it starts and when it fires', () => {
  const all = recorded(EMPTY, ...Array.from({ length: MANY - 1 }, (_, n) => sleep(`sleep#${n}`, 1_000 + n)))
  const known = nodesOf(all.timers)
  const more = recorded(all, sleep('another', 500))
  expect(nextDueAt(more)).toBe(at(500))
  const fired = evolveJournal(more, { type: 'timer.fired', kind: 'timer', key: 'sleep#5000' }, at(6_000))
  for (const { timers } of [more, fired]) {
    const fresh = [...nodesOf(timers)].filter((node) => !known.has(node))
    expect(fresh.length).toBeLessThan(200)
  }
  expect(fired.timers.size).toBe(MANY - 1)
  expect(dueTimers(fired, at(1_002))).toEqual(['another', 'sleep#0', 'sleep#1', 'sleep#2'])
})

test('T1, T2: open timers are what was started and not ended, whatever came between', () => {
  const change = fc.record({ key: fc.nat(12).map((n) => `t#${n}`), dueMs: fc.nat(5), ends: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const model = new Map<string, Instant>()
      let journal = EMPTY
      for (const { key, dueMs, ends } of changes) {
        if (ends && model.delete(key)) journal = evolveJournal(journal, { type: 'timer.cancelled', kind: 'timer', key }, at(1))
        else if (openTimer(journal.timers, key) === undefined) {
          journal = evolveJournal(journal, { type: 'timer.started', kind: 'timer', key, dueAt: at(dueMs) }, at(1))
          model.set(key, at(dueMs))
        }
      }
      const open = [...openTimersOf(journal.timers)]
      expect(new Map(open.map(([key, { dueAt }]) => [key, dueAt]))).toEqual(model)
      expect(journal.timers.size).toBe(model.size)
      expect(nextDueAt(journal)).toBe([...model.values()].sort((a, b) => a - b)[0])
      for (const ms of [0, 2, 5]) {
        // Those that were started first come first.
        const due = [...model].filter(([, dueAt]) => dueAt <= at(ms)).sort(([, a], [, b]) => a - b)
        expect(dueTimers(journal, at(ms))).toEqual(due.map(([key]) => key))
      }
      expect(open.reduce((timers, [key, timer]) => withTimer(timers, key, timer), NO_TIMERS)).toEqual(journal.timers)
    }),
  )
})
