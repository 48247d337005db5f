import { durationMs, instant, type Partition, partitionNumber } from '@tasker/core'
import { Readiness } from '@tasker/server/internal/engine/readiness'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { ProbeAnswer } from '@tasker/server/internal/log/port'
import { expect, test } from 'vitest'
import { PARTITIONS, startTestEngine, submissionOf, Switchboard } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const P0 = partitionNumber(0)
const EVERY_MS = 2_000
const SILENT_MS = 5_000
const OFFSET_MS_MAX = 5_000

type Answer = Partial<Extract<ProbeAnswer, { type: 'committed' }>> | { readonly type: 'failed'; readonly message: string }

/** A database that answers as it is told; `never` is no answer at all. */
const site = async (first: Answer = {}) => {
  const clock = new VirtualClock()
  const state: { answer: Answer | 'never'; probes: number; heads: ReadonlyMap<Partition, number> | undefined } = {
    answer: first,
    probes: 0,
    heads: new Map([[P0, 7]]),
  }
  const late: ((answer: ProbeAnswer) => void)[] = []
  const overtaken: string[] = []
  const readiness = new Readiness(
    {
      clock,
      heads: () => state.heads,
      overtaken: (message) => overtaken.push(message),
      probe: {
        probe: () => {
          state.probes++
          const { answer } = state
          if (answer === 'never') return new Promise((resolve) => late.push(resolve))
          if ('message' in answer) return Promise.resolve(answer)
          return Promise.resolve({ type: 'committed', databaseAt: clock.now(), heads: new Map([[P0, 7]]), ...answer })
        },
        close: () => Promise.resolve(),
      },
    },
    { everyMs: durationMs(EVERY_MS), silentMs: durationMs(SILENT_MS), clockOffsetMsMax: durationMs(OFFSET_MS_MAX) },
  )
  await readiness.start()
  return { clock, readiness, state, overtaken, late }
}

test('a server that nobody asks for anything commits something small now and then', async () => {
  const { clock, readiness, state } = await site()
  expect([state.probes, readiness.problem]).toEqual([1, undefined])
  await clock.advance(10 * EVERY_MS)
  expect(state.probes).toBe(11)
  expect(readiness.provedAgoMs).toBeLessThan(EVERY_MS)
  readiness.stop()
  await clock.advance(10 * EVERY_MS)
  expect(state.probes).toBe(11)
})

test('a database that refuses to commit is known after one look, and so is that it commits again', async () => {
  const { clock, readiness, state } = await site()
  state.answer = { type: 'failed', message: 'cannot execute UPDATE in a read-only transaction' }
  await clock.advance(EVERY_MS)
  expect(readiness.problem).toContain('read-only')
  state.answer = {}
  await clock.advance(EVERY_MS)
  expect(readiness.problem).toBeUndefined()
})

test('a database that does not answer is known after the time it has, unless an append tells otherwise', async () => {
  const { clock, readiness, state, late } = await site()
  state.answer = 'never'
  await clock.advance(EVERY_MS + SILENT_MS - 1)
  expect(readiness.problem).toBeUndefined()
  await clock.advance(1)
  expect(readiness.problem).toContain('has not committed for 5000 ms')
  readiness.proved()
  expect(readiness.problem).toBeUndefined()
  state.answer = {}
  late[0]?.({ type: 'failed', message: 'given up' })
  await settled()
  expect(readiness.problem).toBeUndefined()
  await clock.advance(EVERY_MS)
  expect(state.probes).toBe(3)
})

test.each([
  [6_000, 'behind'],
  [-6_000, 'ahead of'],
])('a clock that is %d ms off the database is a problem until it is put right', async (offMs, how) => {
  const { clock, readiness, state } = await site()
  state.answer = { databaseAt: instant(clock.now() + EVERY_MS + offMs) }
  await clock.advance(EVERY_MS)
  expect(readiness.clockProblem).toBe(`the clock is 6000 ms ${how} the database's`)
  state.answer = { databaseAt: instant(clock.now() + EVERY_MS + offMs / 2) }
  await clock.advance(EVERY_MS)
  expect([readiness.clockProblem, readiness.clockOffsetMs]).toEqual([undefined, -offMs / 2])
})

test('a commit that is not ours tells an idle server that another took over; one of ours on its way does not', async () => {
  const { clock, state, overtaken } = await site()
  state.answer = { heads: new Map([[P0, 8]]) }
  state.heads = undefined
  await clock.advance(EVERY_MS)
  expect(overtaken).toEqual([])
  state.heads = new Map([[P0, 8]])
  await clock.advance(EVERY_MS)
  expect(overtaken).toEqual([])
  state.answer = { heads: new Map([[P0, 9]]) }
  await clock.advance(EVERY_MS)
  expect(overtaken).toEqual(['partition 0 goes on to 9, and this server wrote up to 8'])
})

const health = ({ engine }: Awaited<ReturnType<typeof startTestEngine>>) => {
  const { ready, parts } = engine.health()
  return { ready, wrong: parts.filter(({ ok }) => !ok).map(({ name }) => name) }
}

test('an engine whose database takes no commit is not ready, turns commands away, and takes them when it does again', async () => {
  const answer: { current: ProbeAnswer } = { current: { type: 'failed', message: 'disk full' } }
  const clock = new VirtualClock()
  const probe = {
    probe: () =>
      Promise.resolve(answer.current.type === 'failed' ? answer.current : { ...answer.current, databaseAt: clock.now() }),
    close: () => Promise.resolve(),
  }
  const world = await startTestEngine({ clock, probe })
  expect(health(world)).toEqual({ ready: false, wrong: ['database'] })
  expect(world.submit(submissionOf(1))).toMatchObject([{ type: 'failed', fault: { reason: 'DATABASE_UNAVAILABLE' } }])
  answer.current = { type: 'committed', databaseAt: clock.now(), heads: new Map() }
  await clock.advance(EVERY_MS)
  expect(health(world)).toEqual({ ready: true, wrong: [] })
  await world.register('order', [{ name: 'a' }])
  await world.submitted(submissionOf(1))
  await world.engine.stop()
})

test('an engine without a probe believes its appends', async () => {
  const faults = new Switchboard()
  const world = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  await world.register('order', [{ name: 'a' }])
  expect(health(world)).toEqual({ ready: true, wrong: [] })
  faults.down()
  world.submit(submissionOf(1))
  await settled()
  expect(health(world)).toEqual({ ready: false, wrong: ['database'] })
  faults.up()
  await world.clock.advance(1_000)
  expect(health(world)).toEqual({ ready: true, wrong: [] })
})
