import { canonicalText, parseJson, trustedJson, type Json } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const reversed = (value: Json): Json => {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((element: Json) => reversed(element))
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  )
}

test('the order of keys does not change the text, and the text spells the same value', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value = parseJson(trustedJson(text))
      expect(canonicalText(reversed(value))).toBe(canonicalText(value))
      expect(JSON.parse(canonicalText(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('another value has another text', () => {
  expect(canonicalText({ b: [1, '1', null], a: { '': true } })).toBe('{"a":{"":true},"b":[1,"1",null]}')
  expect(canonicalText([1, 2])).not.toBe(canonicalText([2, 1]))
  expect(canonicalText(parseJson(trustedJson('{"__proto__":1,"a":2}')))).toBe('{"__proto__":1,"a":2}')
})
