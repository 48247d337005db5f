import { NO_DEAD_LETTERS, partitionNumber } from '@tasker/core'
import { StreamCache } from '@tasker/server/internal/engine/stream-cache'
import type { TaskCommit } from '@tasker/server/internal/engine/task-stream'
import { newStream, type TaskStream } from '@tasker/server/internal/engine/task-stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commitsOf, requestId, startTestEngine, submissionOf } from '../../../support/engine.js'

const stream = (n: number): TaskStream => newStream(requestId(n), partitionNumber(0))

const aCommit = async (): Promise<TaskCommit> => {
  const world = await startTestEngine()
  await world.register('order', [{ name: 'a' }])
  const taskId = await world.submitted(submissionOf(1))
  const [draft] = await commitsOf(world.log, taskId)
  const snapshot = await world.engine.read(taskId)
  if (draft === undefined || snapshot === undefined) throw new Error('nothing was written')
  return {
    stream: newStream(taskId, draft.partition),
    draft,
    events: [],
    at: draft.at,
    cause: { actor: 'tester', command: 'submit' },
    state: snapshot.state,
    version: snapshot.version,
    started: [],
    archived: undefined,
    lettersBefore: NO_DEAD_LETTERS,
    takenAway: [],
    identity: undefined,
    fast: [],
    answers: [],
    settle: () => undefined,
  }
}

const PENDING = await aCommit()

test('what was not looked at for longest goes first', () => {
  const cache = new StreamCache(10_000)
  const streams = Array.from({ length: 9 }, (_, n) => stream(n))
  for (const one of streams) cache.add(one)
  cache.add(stream(100))
  const first = cache.get(requestId(0))
  cache.add(stream(101))
  cache.add(stream(102))
  expect(cache.bytes).toBeLessThanOrEqual(10_000)
  expect(first === undefined || cache.get(requestId(0)) === first).toBe(true)
  expect(cache.get(requestId(102))).toBeDefined()
})

test('a stream with a commit on its way is never given up, however full the memory is', () => {
  const cache = new StreamCache(5_000)
  const streams = Array.from({ length: 50 }, (_, n) => stream(n))
  for (const one of streams) {
    one.lastPending = PENDING
    cache.add(one)
  }
  expect(streams.every(({ taskId, dropped }) => !dropped && cache.get(taskId) !== undefined)).toBe(true)
  for (const one of streams) one.lastPending = undefined
  for (let n = 100; n < 110; n++) cache.add(stream(n))
  expect(cache.bytes).toBeLessThanOrEqual(5_000)
})

test('a stream that is larger than all the memory can still be used by who asked for it', () => {
  const cache = new StreamCache(1_000)
  const huge = { ...stream(1), bytes: 1_000_000 }
  cache.add(huge)
  expect(huge.dropped).toBe(false)
  expect(cache.get(huge.taskId)).toBe(huge)
  const next = stream(2)
  cache.add(next)
  expect(huge.dropped).toBe(true)
  expect(next.dropped).toBe(false)
})

test('ended streams are kept for late readers, and then make room', () => {
  const cache = new StreamCache(1_000_000_000)
  for (let n = 0; n < 2_500; n++) {
    const one = stream(n)
    cache.add(one)
    cache.ended(one)
  }
  expect(cache.size).toBeGreaterThanOrEqual(1_000)
  expect(cache.size).toBeLessThanOrEqual(2_000)
  expect(cache.get(requestId(2_499))).toBeDefined()
})

test('a dropped stream is counted no more, and growing afterwards does not bring it back', () => {
  const cache = new StreamCache(100_000)
  const one = stream(1)
  cache.add(one)
  cache.drop(one)
  cache.drop(one)
  cache.grew(one, 5_000)
  expect([cache.size, cache.bytes]).toEqual([0, 0])
})

test('whatever is added, grown and dropped, the bytes are those of the streams it holds', () => {
  const act = fc.record({ what: fc.constantFrom('add', 'grow', 'drop', 'pend', 'settle'), n: fc.nat(20), bytes: fc.nat(3_000) })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 100 }), (acts) => {
      const cache = new StreamCache(8_000)
      for (const { what, n, bytes } of acts) {
        const known = cache.get(requestId(n))
        if (known === undefined) cache.add(stream(n))
        else if (what === 'grow') cache.grew(known, bytes)
        else if (what === 'drop') cache.drop(known)
        else known.lastPending = what === 'pend' ? PENDING : undefined
        const held = [...cache.all()]
        expect(held.reduce((sum, one) => sum + one.bytes, 0)).toBe(cache.bytes)
        expect(held.some(({ dropped }) => dropped)).toBe(false)
      }
    }),
  )
})
