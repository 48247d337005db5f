/** Keys made of expressions in a text. */
import { expect, test } from 'vitest'
import { evaluateKey, LIMITS, readKey, type Json } from '@tasker/core'

const context: Json = { tenant: 'acme', shard: 3, vip: true, none: null, long: 'x'.repeat(LIMITS.keyCharsMax + 1), empty: '' }

const keyOf = (text: string) => {
  const reading = readKey(text)
  return reading.type === 'key' ? evaluateKey(reading.key, () => context) : reading
}

test.each([
  ['plain', 'plain'],
  ['tenant-${context.tenant}', 'tenant-acme'],
  ['${context.tenant}/${context.shard}/${context.vip}', 'acme/3/true'],
  ['${context.vip ? "}" : \'{\'}', '}'],
  ['${{"a": "map"}.a}', 'map'],
  ['a $${context.tenant}', 'a ${context.tenant}'],
  ['${"\\"}"}', '"}'],
])('%s is the key %s', (text, key) => {
  expect(keyOf(text)).toEqual({ type: 'key', key })
})

test.each([
  ['${context.none}', '${context.none} is neither a text nor a number'],
  ['x${context.missing}', '${context.missing}: there is no context.missing'],
  ['${context.long}', `the key has ${LIMITS.keyCharsMax + 1} characters; 1 to ${LIMITS.keyCharsMax} are allowed`],
  ['${context.empty}', `the key has 0 characters; 1 to ${LIMITS.keyCharsMax} are allowed`],
])('%s gives no key', (text, message) => {
  expect(keyOf(text)).toEqual({ type: 'failed', message })
})

test('faults are told with their place in the whole text', () => {
  expect(keyOf('ab${x}-${y')).toEqual({
    type: 'faulty',
    faults: [
      { message: 'there is no name "x" here; expressions begin with context, deps, task', offset: 4 },
      { message: 'the closing } of ${ is missing', offset: 7 },
    ],
  })
})
