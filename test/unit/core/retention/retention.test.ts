import { archivesAnything, namespaceOf, readRetention, retentionAge } from '@tasker/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const DAY_MS = 86_400_000

const read = (text: string) => {
  const reading = readRetention(text)
  if (reading.type === 'invalid') throw new Error(reading.message)
  return reading.retention
}
const ageIn = (text: string, namespace: string) => retentionAge(read(text), namespaceOf(namespace))

describe('ages by namespace', () => {
  test('are read in seconds, minutes, hours and days, with blanks where people put them', () => {
    const text = ' shop = 30d , a=90s,b=15m,c=12h '
    expect(['shop', 'a', 'b', 'c'].map((namespace) => ageIn(text, namespace))).toEqual([
      30 * DAY_MS,
      90_000,
      15 * 60_000,
      12 * 3_600_000,
    ])
  })

  test('a namespace that nothing is said of has the age of all others, or is kept for ever', () => {
    expect(ageIn('shop=1d', 'other')).toBeUndefined()
    expect(ageIn('shop=1d,*=2d', 'other')).toBe(2 * DAY_MS)
    expect(ageIn('shop=1d,*=2d', 'shop')).toBe(DAY_MS)
  })

  test('keep means for ever, whatever holds for the others', () => {
    expect(ageIn('audit=keep,*=2d', 'audit')).toBeUndefined()
    expect(ageIn('shop=1d,*=keep', 'other')).toBeUndefined()
  })

  test('nothing is archived unless something has an age', () => {
    expect(['', '  ', 'shop=keep', '*=keep'].map((text) => archivesAnything(read(text)))).toEqual([false, false, false, false])
    expect(['shop=1s', '*=1s', 'shop=keep,*=1s'].map((text) => archivesAnything(read(text)))).toEqual([true, true, true])
  })

  test.each([
    ['shop', "has 'shop', which is not like shop=30d"],
    ['shop=', "has 'shop=', which is not like shop=30d"],
    ['=1d', "has '=1d', which is not like shop=30d"],
    ['a=1d,,b=1d', "has '', which is not like shop=30d"],
    ['a=1d=2d', "has 'a=1d=2d', which is not like shop=30d"],
    ['shop=1d, shop=2d', 'says twice how long tasks of shop are kept'],
    ['*=1d,*=2d', 'says twice how long tasks of * are kept'],
    ['shop=0d', "has the age '0d', which is neither like 90s, 15m, 12h or 30d nor 'keep'"],
    ['shop=1w', "has the age '1w', which is neither like 90s, 15m, 12h or 30d nor 'keep'"],
    ['shop=-1d', "has the age '-1d', which is neither like 90s, 15m, 12h or 30d nor 'keep'"],
    ['shop=101000d', "has the age '101000d', which is neither like 90s, 15m, 12h or 30d nor 'keep'"],
  ])('%s is refused', (text, message) => {
    expect(readRetention(text)).toEqual({ type: 'invalid', message })
  })

  test('more entries than anybody has are refused', () => {
    const text = Array.from({ length: 1_001 }, (_, n) => `n${n}=1d`).join(',')
    expect(readRetention(text)).toEqual({ type: 'invalid', message: 'has more than 1000 entries' })
  })

  test('any text is an answer', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z*=,0-9smhd ]{0,30}$/)), (text) => {
        expect(['valid', 'invalid']).toContain(readRetention(text).type)
      }),
    )
  })
})
