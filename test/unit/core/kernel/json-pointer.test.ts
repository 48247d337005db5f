import { jsonPointer, pointerSegments } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('a pointer escapes the two characters that mean something in it', () => {
  expect(jsonPointer([])).toBe('')
  expect(jsonPointer(['steps', 3, 'a/b~c', ''])).toBe('/steps/3/a~1b~0c/')
})

test('the segments of a pointer are what it was made of', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '/', '~', '0', '1') })), (segments) => {
      expect(pointerSegments(jsonPointer(segments))).toEqual(segments)
    }),
  )
})
