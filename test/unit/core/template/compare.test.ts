import { CHANGES_MAX, compareDocuments, type Json } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

/** `type path` of every change. */
const changes = (before: Json, after: Json): readonly string[] =>
  compareDocuments(before, after).map(({ type, path }) => `${type} ${path}`)

const order = (steps: Json, more: { readonly [key: string]: Json } = {}): Json => ({ name: 'order', steps, ...more })

test('every place that differs is told, with what was there and what is there now', () => {
  const before = order([{ name: 'a', timeout_seconds: 5 }], { description: 'old', priority: 1 })
  const after = order([{ name: 'a', timeout_seconds: 10 }], { description: 'new', metadata: { team: 'x' } })
  expect(compareDocuments(before, after)).toEqual([
    { type: 'changed', path: '/steps/a/timeout_seconds', before: 5, after: 10 },
    { type: 'changed', path: '/description', before: 'old', after: 'new' },
    { type: 'removed', path: '/priority', before: 1 },
    { type: 'added', path: '/metadata', after: { team: 'x' } },
  ])
})

test('a step is known by its name, so that one more, one less and another order are no change of all that follow', () => {
  const before = order([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
  expect(changes(before, order([{ name: 'c' }, { name: 'new/one' }, { name: 'a' }]))).toEqual([
    'removed /steps/b',
    'added /steps/new~1one',
  ])
  expect(changes(before, order([]))).toEqual(['removed /steps/a', 'removed /steps/b', 'removed /steps/c'])
})

test('lists without names, and lists in which a name stands twice, are compared as they are', () => {
  expect(changes({ dependencies: ['a', 'b'] }, { dependencies: ['b', 'a'] })).toEqual(['changed /dependencies'])
  const twice = [{ name: 'a' }, { name: 'a' }]
  expect(changes({ list: twice }, { list: [{ name: 'a' }] })).toEqual(['changed /list'])
  expect(changes({ list: [] }, { list: {} })).toEqual(['changed /list'])
})

test('a field that is null is not there', () => {
  expect(changes({ retry: null }, {})).toEqual([])
  expect(changes({ retry: null }, { retry: { max_attempts: 1 } })).toEqual(['added /retry'])
})

test('keys that every object inherits are keys', () => {
  expect(changes(JSON.parse('{"__proto__":1}') as Json, {})).toEqual(['removed /__proto__'])
  expect(changes({}, { constructor: 1 })).toEqual(['added /constructor'])
})

test('the list of changes is bounded', () => {
  const many = Object.fromEntries(Array.from({ length: CHANGES_MAX + 5 }, (_, n) => [`k${n}`, n]))
  expect(compareDocuments(many, {})).toHaveLength(CHANGES_MAX)
})

test('a document never differs from itself, whatever the order of its keys', () => {
  const reversed = (value: Json): Json =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .toReversed()
            .map(([key, member]) => [key, reversed(member)]),
        )
      : value
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.parse(JSON.stringify(value)) as Json
      expect(compareDocuments(json, reversed(json))).toEqual([])
    }),
  )
})
