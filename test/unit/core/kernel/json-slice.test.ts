// What is cut out of JSON text is the sender's own text.
import { BugError, eachMember, jsonOf, parseJson, sliceElements, sliceMembers, trustedJson } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const indents = fc.constantFrom(undefined, 1, '\t')
const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'a"b', '\\', '\\"', '}', ']'))

const objectText = fc
  .tuple(fc.array(fc.tuple(key, fc.json({ maxDepth: 3 }))), indents)
  .map(([members, indent]) =>
    JSON.stringify(Object.fromEntries(members.map(([k, v]) => [k, parseJson(trustedJson(v))])), null, indent),
  )

const arrayText = fc.tuple(fc.array(fc.json({ maxDepth: 3 })), indents).map(([elements, indent]) =>
  JSON.stringify(
    elements.map((e) => parseJson(trustedJson(e))),
    null,
    indent,
  ),
)

test('members of an object parse to what the object holds', () => {
  fc.assert(
    fc.property(objectText, (text) => {
      const whole = parseJson(trustedJson(text))
      const members = sliceMembers(trustedJson(text))
      expect([...members.keys()]).toEqual(Object.keys(whole ?? {}))
      for (const [name, slice] of members) {
        expect(JSON.parse(slice)).toEqual(Object.getOwnPropertyDescriptor(whole, name)?.value)
        expect(text).toContain(slice)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('elements of an array parse to what the array holds', () => {
  fc.assert(
    fc.property(arrayText, (text) => {
      expect(sliceElements(trustedJson(text)).map(parseJson)).toEqual(JSON.parse(text))
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
