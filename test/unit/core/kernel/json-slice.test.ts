// What is cut out of JSON text is the sender's own text.
import { BugError, eachMember, jsonOf, parseJson, sliceElements, sliceMembers, trustedJson, type Json } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const indents = fc.constantFrom(undefined, 1, 2).map((blanks) => ({ blanks, pad: ' '.repeat(blanks ?? 0) }))
const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'a"b', '\\', '\\"', '}', ']'))
const value = fc.json({ maxDepth: 3 }).map((text) => parseJson(trustedJson(text)))

/** Text of a value that stands one level inside another. */
const inner = (json: Json, { blanks, pad }: { blanks: number | undefined; pad: string }): string =>
  JSON.stringify(json, null, blanks).replaceAll('\n', `\n${pad}`)

const objectText = fc.tuple(fc.array(fc.tuple(key, value)), indents).map(([pairs, indent]) => {
  const object = Object.fromEntries(pairs)
  const members = Object.entries(object).map(([name, json]) => [name, inner(json, indent)])
  return { text: trustedJson(JSON.stringify(object, null, indent.blanks)), members }
})

const arrayText = fc.tuple(fc.array(value), indents).map(([array, indent]) => ({
  text: trustedJson(JSON.stringify(array, null, indent.blanks)),
  elements: array.map((json) => inner(json, indent)),
}))

// What was written is the measure, not what `JSON.parse` makes of it: V8 13.6 (Node 24) reads `{"\\":1,"\" ":2}` with a wrong second key
// once it has read `{"\\":1,"\\\"":2}`.
test('members of an object are cut out as they were written, under the keys they were written for', () => {
  fc.assert(
    fc.property(objectText, ({ text, members }) => {
      expect([...sliceMembers(text)]).toEqual(members)
    }),
    { numRuns: 1_000 },
  )
})

test('elements of an array are cut out as they were written', () => {
  fc.assert(
    fc.property(arrayText, ({ text, elements }) => {
      expect(sliceElements(text)).toEqual(elements)
    }),
    { numRuns: 1_000 },
  )
})

test('slices keep the bytes of their sender and lose only the blanks around them', () => {
  const members = sliceMembers(trustedJson(' {\n "a" : { "x":1.0e0 ,"y":"\\u0041\\\\" } ,"b":-0.50\t, "c":[ ] } '))
  expect([...members]).toEqual([
    ['a', '{ "x":1.0e0 ,"y":"\\u0041\\\\" }'],
    ['b', '-0.50'],
    ['c', '[ ]'],
  ])
})

test('a member is visited in the order written, under the key it spells', () => {
  const seen: string[] = []
  eachMember(trustedJson('{"\\u0062":1,"__proto__":2}'), (name, value) => seen.push(`${name}=${value}`))
  expect(seen).toEqual(['b=1', '__proto__=2'])
})

test.each(['[]', '1', '{"a":', '{"a":"', '{"a":{', '{', ''])(
  'cutting members out of %j stops as a bug, it does not run on',
  (text) => {
    expect(() => sliceMembers(trustedJson(text))).toThrow(BugError)
  },
)

test('cutting elements out of what is no array stops as a bug', () => {
  expect(() => sliceElements(jsonOf({}))).toThrow(BugError)
  expect(() => sliceElements(trustedJson('[1,'))).toThrow(BugError)
})
