import { instant, PRIORITY_POINT_MS, type ReadyRow, stepId, taskIdFrom } from '@tasker/core'
import { ReadyQueue, WINDOW_KEYS_MAX } from '@tasker/server/internal/dispatch/ready-queue'
import { scanQueue } from '@tasker/server/internal/projections/queue-scan'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readyRowOf, scanOf } from '../../../support/ready-row.js'

const row = (n: number, priority = 0, fairnessKey = '', readyAtMs = n): ReadyRow =>
  readyRowOf({
    taskId: taskIdFrom(n, new Uint8Array(10)),
    step: stepId(`s${n}`),
    priority,
    fairnessKey,
    readyAt: instant(readyAtMs),
  })

const rowsOf = (key: string, from: number, count: number): readonly ReadyRow[] =>
  Array.from({ length: count }, (_, n) => row(from + n, 0, key))

const drain = (queue: ReadyQueue): string[] => {
  const taken: string[] = []
  for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next.step)
  return taken
}

const queueWith = (sizeMax: number, rows: readonly ReadyRow[]): ReadyQueue => {
  const queue = new ReadyQueue(sizeMax)
  for (const entry of rows) queue.add(entry)
  return queue
}

/** Takes everything there is, with a refill from the store whenever the window asks for one. */
const drainWithRefills = (queue: ReadyQueue, stored: Set<ReadyRow>): ReadyRow[] => {
  const taken: ReadyRow[] = []
  const left = new Map([...stored].map((one) => [one.step, one]))
  for (let rounds = 0; rounds < 1_000_000; rounds++) {
    if (queue.low) queue.refilled(scanOf([...left.values()], queue.request()))
    const next = queue.take()
    if (next === undefined && queue.waiting === 0) return taken
    if (next === undefined) continue
    left.delete(next.step)
    taken.push(next)
  }
  throw new Error('the queue never ends')
}

describe('priority with ageing', () => {
  test('steps leave in the order they came, the higher priority first', () => {
    expect(drain(queueWith(10, [row(1), row(2, 5), row(3), row(4, 5)]))).toEqual(['s2', 's4', 's1', 's3'])
  })

  test('a point of priority is worth six seconds of waiting, so a step of the lowest priority is not starved', () => {
    const lowly = row(1, -100, '', 0)
    const before = row(2, 100, '', 200 * PRIORITY_POINT_MS - 1)
    const after = row(3, 100, '', 200 * PRIORITY_POINT_MS + 1)
    expect(200 * PRIORITY_POINT_MS).toBe(20 * 60_000)
    expect(drain(queueWith(10, [after, before, lowly]))).toEqual(['s2', 's1', 's3'])
  })

  test('an entry that is there already is not added again', () => {
    const queue = queueWith(10, [row(1), row(1)])
    expect(queue.size).toBe(1)
    expect(drain(queue)).toEqual(['s1'])
  })
})

describe('fairness', () => {
  test('keys take turns, however much waits of one of them', () => {
    const queue = queueWith(1_000, [...rowsOf('big', 0, 100), ...rowsOf('small', 200, 2), ...rowsOf('other', 300, 1)])
    const order = drain(queue)
    expect(order.slice(0, 6)).toEqual(['s0', 's200', 's300', 's1', 's201', 's2'])
    expect(order).toHaveLength(103)
  })

  test('a key that comes later has the next turn but one', () => {
    const queue = queueWith(1_000, rowsOf('big', 0, 100))
    queue.take()
    queue.add(row(500, 0, 'late'))
    expect([queue.take()?.step, queue.take()?.step, queue.take()?.step]).toEqual(['s1', 's500', 's2'])
  })

  test('priority orders the steps of one key, and takes no turn from another', () => {
    const queue = queueWith(10, [row(1, 0, 'a'), row(2, 0, 'b'), row(3, 100, 'b'), row(4, 100, 'b')])
    expect(drain(queue)).toEqual(['s1', 's3', 's4', 's2'])
  })

  test('a step that started without waiting had the turn of its key', () => {
    const queue = queueWith(10, [row(1, 0, 'a'), row(2, 0, 'b')])
    queue.passed('a')
    expect(drain(queue)).toEqual(['s2', 's1'])
  })

  test('a window full of one key makes room for another', () => {
    const queue = queueWith(10, rowsOf('big', 0, 50))
    queue.add(row(100, 0, 'small'))
    expect(queue.size).toBeLessThanOrEqual(10)
    expect([queue.take()?.step, queue.take()?.step]).toEqual(['s0', 's100'])
  })

  test('a window in which nobody has more than one step sends a new key to the refills', () => {
    const rows = ['a', 'b', 'c'].map((key, n) => row(n, 0, key))
    const queue = queueWith(2, rows)
    expect([queue.size, queue.waiting]).toEqual([2, 3])
    expect(drainWithRefills(queue, new Set(rows)).map(({ fairnessKey }) => fairnessKey)).toEqual(['a', 'b', 'c'])
  })

  test('more keys than a window holds are served in stretches, each key once a lap', () => {
    const keys = Array.from({ length: 2 * WINDOW_KEYS_MAX + 500 }, (_, n) => `k${String(n).padStart(5, '0')}`)
    const stored = new Set(keys.flatMap((key, n) => rowsOf(key, n * 10, 3)))
    const queue = new ReadyQueue(10_000)
    queue.beyond(stored.size)
    const taken = drainWithRefills(queue, stored)
    expect(taken).toHaveLength(stored.size)
    const turns = new Map<string, number>()
    for (const [place, { fairnessKey }] of taken.entries()) {
      const turn = (turns.get(fairnessKey) ?? 0) + 1
      turns.set(fairnessKey, turn)
      // Nobody has a third turn while another had less than one lap before.
      if (turn === 3) expect(place).toBeGreaterThan(keys.length)
    }
  })
})

describe('the window', () => {
  test('a full one forgets what would go last, and says that it did', () => {
    const queue = queueWith(2, [row(1), row(2), row(3)])
    expect([queue.truncated, queue.waiting]).toEqual([true, 3])
    expect(drain(queue)).toEqual(['s1', 's2'])
  })

  test('a higher priority finds room in a full window', () => {
    expect(drain(queueWith(2, [row(1), row(2), row(3, 9)]))).toEqual(['s3', 's1'])
  })

  test('a step that comes behind the horizon waits for the refill, one before it goes first', () => {
    const stored = new Set([1, 2, 3, 4].map((n) => row(n)))
    const queue = queueWith(2, [...stored])
    const late = row(5)
    const urgent = row(6, 1)
    stored.add(late)
    stored.add(urgent)
    queue.add(late)
    queue.add(urgent)
    expect(queue.size).toBe(2)
    expect(drainWithRefills(queue, stored).map(({ step }) => step)).toEqual(['s6', 's1', 's2', 's3', 's4', 's5'])
  })

  test('what waits in the projection alone is counted until a refill brings it', () => {
    const queue = new ReadyQueue(2)
    queue.beyond(5)
    expect([queue.waiting, queue.truncated, queue.low]).toEqual([5, true, true])
    queue.refilled(
      scanOf(
        [1, 2, 3, 4, 5].map((n) => row(n)),
        queue.request(),
      ),
    )
    expect([queue.size, queue.waiting, queue.truncated]).toEqual([2, 5, true])
    drain(queue)
    queue.refilled(scanOf([row(3)], queue.request()))
    expect([queue.waiting, queue.truncated]).toEqual([1, false])
    expect(drain(queue)).toEqual(['s3'])
  })

  test('a key whose stored rows are all stale by now keeps its horizon, and asks again', () => {
    const queue = new ReadyQueue(10)
    queue.beyond(20)
    queue.refilled(scanQueue(rowsOf('', 0, 10), queue.request(), () => true, []))
    expect([queue.size, queue.low]).toEqual([0, true])
    queue.add(row(50))
    expect(queue.size).toBe(0)
  })

  test('a window of one key asks for more when a quarter is left', () => {
    const stored = new Set(rowsOf('', 0, 100))
    const queue = new ReadyQueue(40)
    queue.beyond(100)
    queue.refilled(scanOf([...stored], queue.request()))
    for (let n = 0; n < 29; n++) queue.take()
    expect(queue.low).toBe(false)
    queue.take()
    expect(queue.low).toBe(true)
  })
})

test('whatever comes and goes, each key is served by rank, nothing is lost, and the window stays in its bounds', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ key: fc.constantFrom('', 'a', 'b', 'c'), priority: fc.integer({ min: 0, max: 2 }) }) },
      { weight: 1, arbitrary: fc.constant('take' as const) },
    ),
    { maxLength: 120 },
  )
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (moves, sizeMax) => {
      const queue = new ReadyQueue(sizeMax)
      const left = new Map<string, ReadyRow>()
      let n = 0
      const takeOne = (): void => {
        if (queue.low) queue.refilled(scanOf([...left.values()], queue.request()))
        const next = queue.take()
        if (next === undefined) {
          expect(queue.waiting === 0 ? left.size : 0).toBe(0)
          return
        }
        for (const other of left.values()) {
          if (other.fairnessKey === next.fairnessKey) expect(other.rank).toBeGreaterThanOrEqual(next.rank)
        }
        left.delete(next.step)
      }
      for (const move of moves) {
        if (move === 'take') takeOne()
        else {
          const entry = row(n++, move.priority, move.key)
          left.set(entry.step, entry)
          queue.add(entry)
        }
        expect(queue.size).toBeLessThanOrEqual(sizeMax)
        expect(queue.waiting).toBeGreaterThanOrEqual(Math.min(1, left.size))
      }
      for (let rounds = 0; left.size > 0 && rounds < 1_000; rounds++) takeOne()
      expect(left.size).toBe(0)
    }),
  )
})
