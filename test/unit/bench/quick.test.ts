import { describe, expect, test } from 'vitest'
import { allocatedIn } from '../../bench/quick/allocations.js'
import { countProblems } from '../../bench/quick/baseline.js'
import type { Counts } from '../../bench/quick/counts.js'
import { messageCounter } from '../../bench/quick/message-counter.js'

const counts: Counts = {
  commits: 1.25,
  events: 3.75,
  event_bytes: 200,
  append_statements: 1.25,
  statements: 1.3,
  append_wal_bytes: 800,
  messages: 3,
  wire_bytes: 300,
  allocated_bytes: 60_000,
}

describe('counts of a step', () => {
  test('are fine where they are what they were, or lower', () => {
    expect(countProblems(counts, counts)).toEqual([])
    expect(countProblems({ ...counts, messages: 2, commits: 1 }, counts)).toEqual([])
  })

  test.each(Object.keys(counts) as (keyof Counts)[])('are not when %s doubled', (name) => {
    expect(countProblems({ ...counts, [name]: counts[name] * 2 }, counts)).toEqual([expect.stringContaining(`${name} a step`)])
  })

  test('take one more row in four as too many', () => {
    expect(countProblems({ ...counts, commits: 1.5 }, counts)).toHaveLength(1)
  })
})

describe('allocations', () => {
  const collection = (before: string, after: string): string =>
    `[7:0x1]  90 ms: Scavenge ${before} (20.0) -> ${after} (21.0) MB, 1.0 / 0.0 ms  (average mu = 1.0) allocation failure;\n`

  test('are what the heap grew by between its collections', () => {
    expect(allocatedIn(`${collection('8.0', '5.0')}some line\n${collection('7.5', '6.0')}${collection('7.0', '6.0')}`)).toBe(
      3.5 * 1024 * 1024,
    )
  })

  test('count over collections of the whole heap too', () => {
    const whole = '[7:0x1]  95 ms: Mark-Compact 9.0 (20.0) -> 4.0 (21.0) MB, 1.0 / 0.0 ms  (average mu = 1.0) task;\n'
    expect(allocatedIn(collection('8.0', '5.0') + whole)).toBe(4 * 1024 * 1024)
  })

  test('cannot be told from one collection', () => {
    expect(allocatedIn(collection('8.0', '5.0'))).toBeUndefined()
  })
})

describe('messages of a connection', () => {
  const frame = (type: number, stream: number, payload: Buffer, flags = 0): Buffer => {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = type
    head[4] = flags
    head.writeUInt32BE(stream, 5)
    return Buffer.concat([head, payload])
  }
  const message = (bytes: number): Buffer => {
    const head = Buffer.alloc(5)
    head.writeUInt32BE(bytes, 1)
    return Buffer.concat([head, Buffer.alloc(bytes, 1)])
  }
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const settings = frame(4, 0, Buffer.alloc(0))

  test('are counted by their lengths, several in a frame or one in several', () => {
    const split = message(20)
    const sent = Buffer.concat([
      preface,
      settings,
      frame(0, 1, Buffer.concat([message(3), message(4)])),
      frame(0, 1, split.subarray(0, 8)),
      frame(0, 3, message(1)),
      frame(0, 1, split.subarray(8)),
    ])
    expect(messageCounter()(sent)).toBe(4)
  })

  test('are the same however the bytes arrive', () => {
    const sent = Buffer.concat([
      preface,
      settings,
      frame(0, 1, message(30)),
      frame(1, 1, Buffer.alloc(6)),
      frame(0, 1, message(2)),
    ])
    const count = messageCounter()
    expect([...sent].reduce((sum, byte) => sum + count(Buffer.from([byte])), 0)).toBe(2)
  })

  test('are found behind padding', () => {
    const padded = Buffer.concat([Buffer.from([4]), message(3), Buffer.alloc(4)])
    expect(messageCounter()(frame(0, 1, padded, 0x8))).toBe(1)
  })
})
