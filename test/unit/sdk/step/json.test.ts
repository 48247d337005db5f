// What a result may hold, and where it is refused.
import { serialize } from '@tasker/sdk/internal/step/json'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const text = (value: unknown): string => {
  const serialized = serialize(value)
  if (serialized.type !== 'json') throw new Error(`${serialized.problem.path}: ${serialized.problem.what}`)
  return serialized.data.toString()
}

const problem = (value: unknown) => {
  const serialized = serialize(value)
  if (serialized.type === 'json') throw new Error(`it was written: ${serialized.data.toString()}`)
  return serialized.problem
}

test('undefined becomes null, and a field that is undefined is left out', () => {
  expect(text(undefined)).toBe('null')
  expect(text({ a: undefined, b: 1 })).toBe('{"b":1}')
})

test('every JSON value comes back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      // Minus zero has no place in JSON.
      const plain: unknown = JSON.parse(JSON.stringify(value))
      expect(JSON.parse(text(value))).toEqual(plain)
    }),
  )
})

test('what JSON would drop or change in silence is refused with its place', () => {
  expect(problem({ a: [{ b: 1n }] })).toEqual({ path: '/a/0/b', what: 'a BigInt' })
  expect(problem({ 'x/y~z': () => 1 })).toEqual({ path: '/x~1y~0z', what: 'a function' })
  expect(problem([Symbol('s')])).toEqual({ path: '/0', what: 'a symbol' })
  expect(problem({ n: Number.NaN })).toEqual({ path: '/n', what: 'the number NaN' })
  expect(problem({ m: new Map() })).toEqual({ path: '/m', what: 'a Map or Set' })
  expect(problem(() => 1)).toEqual({ path: '', what: 'a function' })
})

test('a cycle is refused, a value that is there twice is not', () => {
  const cyclic: Record<string, unknown> = { child: {} }
  cyclic['child'] = { up: cyclic }
  expect(problem(cyclic).path).toBe('/child/up')
  const shared = { x: 1 }
  expect(text({ a: shared, b: [shared, shared] })).toBe('{"a":{"x":1},"b":[{"x":1},{"x":1}]}')
})

test('nesting without end is refused, not overflowed', () => {
  let deep: unknown = 1
  for (let level = 0; level < 100_000; level++) deep = [deep]
  expect(problem(deep).what).toContain('512')
})

test('a value that writes itself is taken at its word; one that throws is refused', () => {
  expect(text({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
  const broken = {
    toJSON: () => {
      throw new Error('not today')
    },
  }
  expect(problem(broken)).toEqual({ path: '', what: 'not today' })
})
