// A clock whose hands the test turns.
import type { Clock } from '@tasker/sdk'

interface Timer {
  dueMs: number
  readonly periodMs: number | undefined
  readonly callback: () => void
}

export interface VirtualClock extends Clock {
  /** Turns the hands and fires what falls due on the way, in order. */
  advance(ms: number): void
  /** Timers that are set. */
  pending(): number
}

export const virtualClock = (): VirtualClock => {
  let nowMs = 1_000
  const timers = new Set<Timer>()
  const set = (timer: Timer): (() => void) => {
    timers.add(timer)
    return () => timers.delete(timer)
  }
  const nextBefore = (endMs: number): Timer | undefined =>
    [...timers].filter((timer) => timer.dueMs <= endMs).sort((one, other) => one.dueMs - other.dueMs)[0]
  return {
    nowMs: () => nowMs,
    after: (delayMs, callback) => set({ dueMs: nowMs + delayMs, periodMs: undefined, callback }),
    every: (periodMs, callback) => set({ dueMs: nowMs + periodMs, periodMs, callback }),
    endOfTurn: (callback) => process.nextTick(callback),
    draw: () => 1,
    pending: () => timers.size,
    advance: (ms) => {
      const endMs = nowMs + ms
      for (let timer = nextBefore(endMs); timer !== undefined; timer = nextBefore(endMs)) {
        nowMs = timer.dueMs
        if (timer.periodMs === undefined) timers.delete(timer)
        else timer.dueMs += timer.periodMs
        timer.callback()
      }
      nowMs = endMs
    },
  }
}

/** Lets everything run that waits for this turn to end: handlers, promises, batches. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
