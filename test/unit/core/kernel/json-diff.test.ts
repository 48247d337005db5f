import { type Json, jsonChanges, parseJson, trustedJson } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const paths = (before: Json, after: Json, max = 10): readonly string[] =>
  jsonChanges(before, after, max).changes.map(
    ({ path, before: from, after: to }) => `${path} ${JSON.stringify(from)} ${JSON.stringify(to)}`,
  )

test('changes are named by their place, with what each side has there', () => {
  expect(paths({ a: 1, b: [1, 2], 'c/d': null }, { a: 2, b: [1, 3, 4], e: 'x' })).toEqual([
    '/a 1 2',
    '/b/1 2 3',
    '/b/2 undefined 4',
    '/c~1d null undefined',
    '/e undefined "x"',
  ])
  expect(paths([1], { 0: 1 })).toEqual([' [1] {"0":1}'])
  expect(paths({}, { toString: 1 })).toEqual(['/toString undefined 1'])
})

test('more changes than are wanted are cut, and said so', () => {
  const [before, after] = [
    [1, 2, 3],
    [4, 5, 6],
  ]
  expect(jsonChanges(before, after, 3)).toMatchObject({ cut: false })
  expect(jsonChanges(before, after, 2)).toMatchObject({ cut: true, changes: [{ path: '/0' }, { path: '/1' }] })
})

test('a value has no change from itself, and something from every other', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
      const copy = parseJson(trustedJson(left))
      expect(jsonChanges(parseJson(trustedJson(left)), copy, 5).changes).toEqual([])
      if (left.length !== right.length)
        expect(jsonChanges(copy, parseJson(trustedJson(right)), 5).changes.length).toBeGreaterThan(0)
    }),
  )
})
