// The journal as the wire carries it, and as the scheduler reads it.
import type { JournalEntry as WireEntry } from '@tasker/proto'
import { entryOfWire, textOf } from '@tasker/sdk/internal/runner/wire-entries'
import { expect, test } from 'vitest'
import { payload } from '../scripted-server.js'

const nothing = (): undefined => undefined
const entry = (key: string, fact: WireEntry['fact'], asProposed = false): WireEntry => ({ atMs: 7, key, fact, asProposed })

test('what was handed in here is read from what was said, everything else from the entry', () => {
  const outcome = { outcome: { $case: 'succeeded' as const, value: payload({ n: 1 }) } }
  const said = { type: 'effect.recorded', kind: 'step', key: 'a', at: 7, outcome: { type: 'succeeded', result: '{"n":1}' } }
  expect(entryOfWire(entry('a', { $case: 'step', value: { outcome } }), nothing)).toEqual(said)
  const mine = entry('a', { $case: 'step', value: { outcome: undefined } }, true)
  expect(entryOfWire(mine, (key, of) => (key === 'a' && of === 'step' ? { $case: 'step', value: outcome } : undefined))).toEqual(
    said,
  )
})

test('an entry that this library cannot read is no entry', () => {
  const reason = (act: () => unknown): unknown => {
    try {
      return act()
    } catch (thrown) {
      return (thrown as { reason: unknown }).reason
    }
  }
  expect(reason(() => entryOfWire(entry('a', undefined), nothing))).toBe('JOURNAL_UNREADABLE')
  expect(reason(() => entryOfWire(entry('a', { $case: 'step', value: { outcome: undefined } }, true), nothing))).toBe(
    'JOURNAL_UNREADABLE',
  )
  expect(reason(() => textOf({ encoding: 'zip', data: Buffer.from('1') }))).toBe('JOURNAL_UNREADABLE')
  expect(textOf(undefined)).toBe('null')
})
