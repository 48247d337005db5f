// The scanner accepts what every reader of JSON understands alike, and says where anything else stands.
import { JSON_DEPTH_MAX, scanJson, type JsonFaultCode } from '@tasker/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const faultOf = (text: string): { code: JsonFaultCode; path: string; offset: number } | undefined => {
  const scan = scanJson(text)
  return scan.type === 'ok' ? undefined : { code: scan.code, path: scan.path, offset: scan.offset }
}

const indents = fc.constantFrom(undefined, 1, '\t')
/** Text that a JSON writer would make, with and without blanks. */
const written = fc
  .tuple(fc.json({ maxDepth: 4 }), indents)
  .map(([json, indent]) => JSON.stringify(JSON.parse(json), null, indent))
/** The same with one small harm done to it. */
const harmed = fc
  .tuple(
    written,
    fc.nat(),
    fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', '\\', '\n', 'nul', '\u0001'),
  )
  .map(([text, place, harm]) => {
    const at = place % (text.length + 1)
    return text.slice(0, at) + harm + text.slice(at + (place % 2))
  })

describe('the scanner agrees with JSON.parse', () => {
  test('on everything that a JSON writer makes', () => {
    fc.assert(
      fc.property(written, (text) => {
        expect(faultOf(text)).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  test('on harmed text, but for the faults it alone looks for', () => {
    fc.assert(
      fc.property(harmed, (text) => {
        const fault = faultOf(text)
        if (fault === undefined || fault.code === 'JSON_SYNTAX') expect(fault === undefined).toBe(parses(text))
        else expect(fault.code).not.toBe('JSON_TOO_DEEP')
      }),
      { numRuns: 3_000 },
    )
  })

  test('on text made of the characters that matter', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:0123.-+eE \\utrfalsn')), maxLength: 12 }), (text) => {
        const fault = faultOf(text)
        if (fault === undefined || fault.code === 'JSON_SYNTAX') expect(fault === undefined).toBe(parses(text))
        else expect(['JSON_NUMBER', 'JSON_DUPLICATE_KEY']).toContain(fault.code)
      }),
      { numRuns: 5_000 },
    )
  })

  test.each([
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    'NaN',
    "'a'",
    '"a',
    '"\\x"',
    '"\\u12G4"',
    '1 2',
    '\ufeff1',
    '[1 2]',
    '{a:1}',
    '{"a" 1}',
    '"\n"',
    'nulll',
    '"\\',
  ])('the text %j is refused', (text) => {
    expect(parses(text)).toBe(false)
    expect(faultOf(text)?.code).toBe('JSON_SYNTAX')
  })
})

describe('what is kept as it is', () => {
  test.each([
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"😀"',
    '{"__proto__":{"constructor":1},"toString":2}',
    '{"":{"":0}}',
    '"\u2028"',
    '"\u007f"',
  ])('the text %j is accepted', (text) => {
    expect(scanJson(text)).toEqual({ type: 'ok', json: text })
  })
})

describe('numbers', () => {
  test.each([
    '0',
    '-0',
    '0e999',
    '0.0000',
    '0.1',
    '1e23',
    '-1.5E-7',
    '9007199254740992',
    '9007199254740994',
    '123456789012345680000',
    '1.7976931348623157e308',
    '5e-324',
    '4.9e-324',
    '1.0000000000000000000000000',
    '0.1000000000000000055511151231257827',
    '100000000000000000000',
    '629281431917268.2',
    '629281431917268.3',
  ])('%s is held by a double', (literal) => {
    expect(faultOf(literal)).toBeUndefined()
  })

  test.each([
    '1e999',
    '-1e999',
    '1e-999',
    '3e-324',
    '9007199254740993',
    '-9007199254740993',
    '12345678901234567890',
    '0.1234567890123456789',
    '12345678901234.5678',
    '9007199254740993.0',
    '90071992547409930e-1',
    `1${'1'.repeat(200)}`,
  ])('%s changes in a double and is refused', (literal) => {
    expect(faultOf(`{"amount":[${literal}]}`)).toEqual({ code: 'JSON_NUMBER', path: '/amount/0', offset: 11 })
  })

  test('every double that a program prints is accepted, shortest or to 17 digits', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(faultOf(JSON.stringify(value))).toBeUndefined()
        expect(faultOf(value.toPrecision(17))).toBeUndefined()
      }),
      { numRuns: 2_000 },
    )
  })

  test('a whole number is accepted exactly when a double holds all its digits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (value) => {
        const digits = value.toString().replace('-', '').replace(/0+$/, '').length
        const held = digits === 0 || BigInt(Number(value)) === value || sameTo(digits, value)
        expect(faultOf(value.toString()) === undefined).toBe(held)
      }),
      { numRuns: 2_000 },
    )
  })
})

/** Whether the double nearest to a whole number is at most half a unit of its last digit away. */
const sameTo = (digits: number, value: bigint): boolean => {
  const away = BigInt(Number(value)) - value
  const unit = 10n ** BigInt(value.toString().replace('-', '').length - digits)
  return (away < 0n ? -away : away) * 2n <= unit
}

describe('where a fault stands', () => {
  test('a key that stands twice is refused with its path, however it is escaped', () => {
    expect(faultOf('{"a":{"b":1,"c":2,"\\u0062":3}}')).toEqual({ code: 'JSON_DUPLICATE_KEY', path: '/a/b', offset: 18 })
    const many = Array.from({ length: 50 }, (_, i) => `"k${i}":0`).join(',')
    expect(faultOf(`{${many},"k49":0}`)?.path).toBe('/k49')
    expect(faultOf(`{${many},"__proto__":0}`)).toBeUndefined()
  })

  test('the same key in two objects is no duplicate', () => {
    expect(faultOf('[{"a":{"a":1}},{"a":1}]')).toBeUndefined()
  })

  test('the path escapes what a JSON Pointer must escape', () => {
    expect(faultOf('{"a/b~c":[0,{"d":1e999}]}')?.path).toBe('/a~1b~0c/1/d')
  })

  test('half of a surrogate pair is refused with its path, a whole pair is not', () => {
    expect(faultOf('{"name":"a\ud800b"}')).toEqual({ code: 'JSON_SURROGATE', path: '/name', offset: 10 })
    expect(faultOf('"\udc00\ud800"')?.code).toBe('JSON_SURROGATE')
  })

  test('one level above the limit is refused, the limit itself is not', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
    expect(faultOf(nested(JSON_DEPTH_MAX))).toBeUndefined()
    expect(faultOf(nested(JSON_DEPTH_MAX + 1))).toEqual({
      code: 'JSON_TOO_DEEP',
      path: '/0'.repeat(JSON_DEPTH_MAX),
      offset: JSON_DEPTH_MAX,
    })
    expect(faultOf('['.repeat(2_000_000))?.code).toBe('JSON_TOO_DEEP')
  })

  test('the message says what stands where something else should', () => {
    expect(scanJson('{"a":tru}')).toMatchObject({ path: '/a', message: '"t" stands where a value should be' })
    expect(scanJson('{"a":1')).toMatchObject({ path: '', message: 'the text ends where a comma or } should be' })
  })
})
