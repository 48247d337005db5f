import { type Instant, instant, LIMITS, stepId, type TimerRow } from '@tasker/core'
import { TimerWheel } from '@tasker/server/internal/timers/timer-wheel'
import { type TimerBounds, TimerWindow } from '@tasker/server/internal/timers/timer-window'
import { expect, test } from 'vitest'
import { gate, requestId } from '../../../support/engine.js'
import { VirtualClock } from '../../../support/virtual-clock.js'

const timer = (n: number, dueAt: number, kind: TimerRow['kind'] = 'retry'): TimerRow => ({
  taskId: requestId(n),
  kind,
  step: kind === 'run_at' ? undefined : stepId('a'),
  attempt: 1,
  dueAt: instant(dueAt),
  worker: undefined,
})

/** Timers in rows, and a window on them; what fires leaves the rows. */
const window = async (
  stored: TimerRow[] = [],
  reading: () => void | Promise<void> = () => undefined,
  bounds: Partial<TimerBounds> = {},
) => {
  const clock = new VirtualClock()
  const fired: { readonly n: string; readonly at: Instant; readonly done: () => void }[] = []
  const site = { reads: 0, hold: false }
  const timers = new TimerWindow(
    clock,
    new TimerWheel(clock),
    {
      timers: async (dueBefore, limit) => {
        site.reads++
        const rows = stored
          .filter(({ dueAt }) => dueAt < dueBefore)
          .sort((a, b) => a.dueAt - b.dueAt)
          .slice(0, limit)
        await reading()
        return { rows, cutAt: rows.length < limit ? undefined : rows.at(-1)?.dueAt }
      },
    },
    (row, done) => {
      fired.push({ n: row.taskId, at: clock.now(), done })
      if (!site.hold) done()
      const index = stored.findIndex(({ taskId }) => taskId === row.taskId)
      if (index >= 0) stored.splice(index, 1)
    },
    { ...LIMITS, timerWindowEntriesMax: 1_000, ...bounds },
  )
  await timers.start()
  return { clock, timers, fired, site, names: () => fired.map(({ n }) => n) }
}

const START = new VirtualClock().now()

test('what is due soon is in memory, the rest is read when it becomes due soon; each fires at its instant', async () => {
  const due = [START + 5_000, START + 70_000, START + 3_600_000]
  const { clock, timers, names, fired } = await window(due.map((dueAt, index) => timer(index + 1, dueAt)))
  expect(timers.armed).toBe(1)
  await clock.advance(75_000)
  expect(names()).toEqual([requestId(1), requestId(2)])
  await clock.advance(3_600_000)
  expect(names()).toEqual([requestId(1), requestId(2), requestId(3)])
  for (const [index, { at }] of fired.entries()) expect(at - (due[index] ?? 0)).toBeLessThan(50)
})

test('a timer that becomes durable while a refill reads is not missed, whether its row was seen or not', async () => {
  const slow = gate()
  let reads = 0
  const { clock, timers, names } = await window([], () => (++reads === 2 ? slow.passed : undefined))
  await clock.advance(20_500)
  timers.add(timer(1, clock.now() + 55_000))
  slow.open()
  await clock.advance(56_000)
  expect(names()).toEqual([requestId(1)])
})

test('a timer far away is no object in memory', async () => {
  const { timers, clock } = await window()
  for (let n = 0; n < 1_000; n++) timers.add(timer(n, clock.now() + 3_600_000))
  expect(timers.armed).toBe(0)
})

test('the same timer twice fires once; with another instant it fires at that one only', async () => {
  const { clock, timers, fired } = await window()
  timers.add(timer(1, START + 1_000))
  timers.add(timer(1, START + 1_000))
  timers.add(timer(2, START + 1_000))
  timers.add(timer(2, START + 3_000))
  await clock.advance(10_000)
  expect(fired.map(({ n }) => n)).toEqual([requestId(1), requestId(2)])
  expect((fired[1]?.at ?? 0) - START).toBeGreaterThanOrEqual(3_000)
})

test('a refill that cannot be read is tried again soon', async () => {
  let away = true
  const { clock, names, site } = await window([timer(1, START + 5_000)], () =>
    away ? Promise.reject(new Error('away')) : undefined,
  )
  await clock.advance(2_000)
  expect(site.reads).toBeGreaterThan(2)
  away = false
  await clock.advance(5_000)
  expect(names()).toEqual([requestId(1)])
})

test('a wall clock that jumps ahead delays no new timer until the next refill', async () => {
  const { clock, timers, fired } = await window()
  clock.jumpWall(3_600_000)
  const dueAt = clock.now() + 1_000
  timers.add(timer(1, dueAt))
  await clock.advance(3_000)
  expect(fired).toHaveLength(1)
  expect((fired[0]?.at ?? 0) - dueAt).toBeLessThan(1_100)
})

test('of what is due together no more is fired at once than may be, the earliest first, each once', async () => {
  const { clock, timers, fired, names, site } = await window([], undefined, { timersFiredMax: 2 })
  site.hold = true
  for (const n of [5, 4, 3, 2, 1]) timers.add(timer(n, START + n * 100))
  await clock.advance(1_000)
  expect(names()).toEqual([1, 2].map(requestId))
  expect({ armed: timers.armed, fired: timers.fired }).toEqual({ armed: 3, fired: 2 })
  timers.add(timer(3, START + 300))
  timers.add(timer(4, START + 5_000))
  fired[0]?.done()
  expect(names()).toEqual([1, 2, 3].map(requestId))
  fired[1]?.done()
  expect(names()).toEqual([1, 2, 3, 5].map(requestId))
  fired[2]?.done()
  expect(names()).toEqual([1, 2, 3, 5].map(requestId))
  await clock.advance(5_000)
  expect(names()).toEqual([1, 2, 3, 5, 4].map(requestId))
})

test('very many that waited and are done at once fire one after another', async () => {
  const { clock, timers, fired, site } = await window([], undefined, { timersFiredMax: 1, timerWindowEntriesMax: 50_000 })
  site.hold = true
  for (let n = 0; n < 30_000; n++) timers.add(timer(n, START + 1_000))
  await clock.advance(2_000)
  site.hold = false
  fired[0]?.done()
  expect(fired).toHaveLength(30_000)
})

test('deadlines of attempts are not armed from the rows: their leases time them', async () => {
  const { timers } = await window([timer(1, START + 1_000, 'step_timeout'), timer(2, START + 1_000, 'run_at')])
  expect(timers.armed).toBe(1)
})

test('after a stop nothing is read any more', async () => {
  const { clock, timers, site } = await window()
  timers.stop()
  await clock.advance(120_000)
  expect(site.reads).toBe(1)
})

test.each([
  ['one after another', (n: number) => START + 1_000 + n * 100],
  ['all at the same instant', () => START + 5_000],
  ['all long ago', () => START - 60_000],
])('many timers that are due soon, %s, are never more in memory than the window holds, and each fires once', async (_, dueAt) => {
  const stored = Array.from({ length: 300 }, (_, n) => timer(n, dueAt(n)))
  const { clock, timers, fired, site } = await window(stored, () => undefined, { timerWindowEntriesMax: 40 })
  for (let second = 0; second < 60; second++) {
    expect(timers.armed).toBeLessThanOrEqual(40)
    await clock.advance(1_000)
  }
  expect(new Set(fired.map(({ n }) => n)).size).toBe(300)
  expect(fired).toHaveLength(300)
  expect(site.reads).toBeLessThan(70)
})

test('timers that become durable when the window is full are in the rows: they fire when it has moved on, none too early', async () => {
  const stored: TimerRow[] = []
  const { clock, timers, fired } = await window(stored, () => undefined, { timerWindowEntriesMax: 10 })
  for (let n = 0; n < 100; n++) {
    const row = timer(n, START + 1_000 + (n % 10) * 2_000)
    stored.push(row)
    timers.add(row)
    expect(timers.armed).toBeLessThanOrEqual(10)
  }
  await clock.advance(25_000)
  expect(new Set(fired.map(({ n }) => n)).size).toBe(100)
  const dueOf = new Map(Array.from({ length: 100 }, (_, n) => [requestId(n) as string, START + 1_000 + (n % 10) * 2_000]))
  for (const { n, at } of fired) expect(at).toBeGreaterThanOrEqual(dueOf.get(n) ?? Number.POSITIVE_INFINITY)
})
