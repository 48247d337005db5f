import { shownText, trustedJson } from '@tasker/core'
import { expect, test } from 'vitest'

test('a short text is shown whole, a long one to its beginning, with how long it is', () => {
  expect(shownText(trustedJson('"abc"'), 5)).toEqual({ text: '"abc"', cutFrom: undefined })
  expect(shownText(trustedJson('"abcd"'), 5)).toEqual({ text: '"abcd', cutFrom: 6 })
})

test('a surrogate pair is not cut in two', () => {
  expect(shownText(trustedJson('"ab😀"'), 4)).toEqual({ text: '"ab', cutFrom: 6 })
})
