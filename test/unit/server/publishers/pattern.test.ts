import { nameMatcher, patternProblem } from '@tasker/server/internal/publishers/pattern'
import { expect, test } from 'vitest'

const NAMES = ['card', 'card.charged', 'card.charged.eu', 'order.card.charged', 'order']

test.each([
  [[], NAMES],
  [['*'], NAMES],
  [['card.charged'], ['card.charged']],
  [['card.*'], ['card.charged']],
  [['card.**'], ['card', 'card.charged', 'card.charged.eu']],
  [['**.charged'], ['card.charged', 'order.card.charged']],
  [
    ['*.charged', 'order'],
    ['card.charged', 'order'],
  ],
  [['**.card.**'], ['card', 'card.charged', 'card.charged.eu', 'order.card.charged']],
  [['nothing'], []],
])('%j speaks of %j', (patterns, expected) => {
  expect(NAMES.filter(nameMatcher(patterns))).toEqual(expected)
})

test('many wildcards cost no more than a look at each word', () => {
  const matches = nameMatcher([`${'**.a.'.repeat(25)}b`])
  expect(matches('a.'.repeat(120).slice(0, -1))).toBe(false)
})

test('a wildcard stands for whole words', () => {
  expect(patternProblem('card.*')).toBeUndefined()
  expect(patternProblem('card.ch*')).toContain('"ch*"')
  expect(patternProblem('')).toBe('a pattern is empty')
})
