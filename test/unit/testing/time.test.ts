import { durationMs } from '@tasker/core'
import { RunningAttempts } from '@tasker/testing/internal/running-attempts'
import { Time } from '@tasker/testing/internal/time'
import { settled, VirtualClock } from '@tasker/testing/internal/virtual-clock'
import { describe, expect, test } from 'vitest'

/** An alarm that is set again and again. */
const again = (clock: VirtualClock, everyMs: number, call: () => void, use?: 'upkeep'): void => {
  const next = (): void =>
    void clock.after(
      durationMs(everyMs),
      () => {
        call()
        next()
      },
      use,
    )
  next()
}

describe('a leap', () => {
  test('calls each wake-up at its moment, and upkeep only where the clock stops', async () => {
    const clock = new VirtualClock(0)
    const called: string[] = []
    const call = (name: string) => () => called.push(`${name} at ${clock.now()}`)
    again(clock, 10, call('upkeep'), 'upkeep')
    clock.after(durationMs(1_000), call('second'))
    clock.after(durationMs(500), call('first'))
    clock.after(durationMs(2_001), call('never'))
    await clock.leap(2_000, settled)
    expect(called).toEqual(['first at 500', 'upkeep at 500', 'second at 1000', 'upkeep at 1000', 'upkeep at 2000'])
    expect(clock.nextWakeUpInMs()).toBe(1)
  })

  test('of no time calls what is due now, and what follows from it', async () => {
    const clock = new VirtualClock(0)
    const called: number[] = []
    clock.after(durationMs(0), () => {
      called.push(1)
      clock.after(durationMs(0), () => called.push(2))
    })
    await clock.leap(0, settled)
    expect([called, clock.now()]).toEqual([[1, 2], 0])
  })

  test('comes before the next one has begun', async () => {
    const clock = new VirtualClock(0)
    const time = new Time(clock, settled)
    const order: string[] = []
    again(clock, 400, () => order.push(String(clock.now())))
    await Promise.all([time.leap(1_000).then(() => order.push('one')), time.leap(500).then(() => order.push('two'))])
    expect(order).toEqual(['400', '800', 'one', '1200', 'two'])
  })
})

describe('time that passes for a result', () => {
  test('stops when it is there, or when no wake-up is left', async () => {
    const clock = new VirtualClock(0)
    const time = new Time(clock, settled)
    clock.after(durationMs(10), () => undefined)
    clock.after(durationMs(20), () => undefined)
    expect(await time.passUntil(() => clock.now() >= 10, 'id')).toBe(true)
    expect(clock.now()).toBe(10)
    expect(await time.passUntil(() => false, 'id')).toBe(false)
    expect(clock.now()).toBe(20)
  })

  test('ends after a hundred years, or after many wake-ups', async () => {
    const slow = new VirtualClock(0)
    again(slow, 30 * 86_400_000, () => undefined)
    await expect(new Time(slow, settled).passUntil(() => false, 'id')).rejects.toMatchObject({ reason: 'TASK_RUNS_ON' })
    const fast = new VirtualClock(0)
    again(fast, 1, () => undefined)
    const atOnce = new Time(fast, () => Promise.resolve())
    await expect(atOnce.passUntil(() => false, 'id')).rejects.toMatchObject({ reason: 'TASK_RUNS_ON' })
  })
})

describe('handlers that run', () => {
  test('are waited for until they end, wait for time, or take too long', async () => {
    const attempts = new RunningAttempts(60_000)
    let end = (): void => undefined
    let wake = (): void => undefined
    let reached = ''
    const running = attempts.run(async () => {
      await new Promise<void>((resolve) => (end = resolve))
      reached = 'asleep'
      await attempts.waitsForTime(new Promise((resolve) => (wake = resolve)))
      reached = 'awake'
    }) as Promise<void>
    setImmediate(end)
    await attempts.quiet()
    expect(reached).toBe('asleep')
    wake()
    await attempts.quiet()
    expect(reached).toBe('awake')
    await running
    const impatient = new RunningAttempts(0)
    void impatient.run(() => new Promise(() => undefined))
    await impatient.quiet()
    await impatient.quiet()
  })

  test('that throw or answer at once are not running', async () => {
    const attempts = new RunningAttempts(60_000)
    expect(attempts.run(() => 1)).toBe(1)
    expect(() =>
      attempts.run(() => {
        throw new Error('no')
      }),
    ).toThrow('no')
    await attempts.quiet()
  })
})
