/** The wall for users' values: exactly one JSON value in UTF-8 passes, unchanged; anything else is told with its place. */
import { payloadOf, readPayload } from '@tasker/server/internal/grpc/payload'
import { trustedJson } from '@tasker/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const read = (data: Buffer, encoding = '', bytesMax = 1_000) => readPayload({ encoding, data }, bytesMax, 'the value')

describe('readPayload', () => {
  test.each([
    '{"online":1,"function":2,"__proto__":3,"constructor":4}',
    '"\\u0000 and \\ud800 and 😀"',
    ' [ 1.0 , 1e2 ]\n',
    'null',
  ])('%s is kept character for character', (text) => {
    expect(read(Buffer.from(text))).toEqual({ type: 'json', text })
  })

  test('what any JSON serialiser wrote is kept', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(readPayload(payloadOf(trustedJson(text)), 1_000_000, 'it')).toEqual({ type: 'json', text })
      }),
    )
  })

  test('the encoding may be said', () => {
    expect(read(Buffer.from('1'), 'json/plain')).toEqual({ type: 'json', text: '1' })
  })

  test('another encoding is refused by name, and a long name is cut', () => {
    const refused = read(Buffer.from('1'), 'z'.repeat(10_000))
    expect(refused).toMatchObject({ type: 'encoding' })
    expect(JSON.stringify(refused).length).toBeLessThan(300)
  })

  test('the limit counts the bytes received, blanks included', () => {
    expect(read(Buffer.from('1'.padEnd(1_000)))).toMatchObject({ type: 'json' })
    expect(read(Buffer.from('1'.padEnd(1_001)))).toMatchObject({ type: 'too_large' })
  })

  test.each([
    ['nothing', Buffer.alloc(0), ''],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), ''],
    ['half a surrogate pair in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), ''],
    ['a byte order mark', Buffer.from('\ufeff1'), ''],
    ['two values', Buffer.from('1 2'), ''],
    ['a key twice', Buffer.from('{"a":{"b":1,"b":2}}'), '/a/b'],
    ['a number that a double cannot hold', Buffer.from('{"a":[0,9007199254740993]}'), '/a/1'],
    ['513 levels', Buffer.from('['.repeat(513) + ']'.repeat(513)), '/0'.repeat(512)],
  ])('%s is refused with its path', (_, data, path) => {
    expect(readPayload({ encoding: '', data }, 2_000, 'it')).toMatchObject({ type: 'not_json', problem: { path } })
  })
})
