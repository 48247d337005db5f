/** Time as the engine sees it: a port, so that tests and the simulation can turn it by hand. */
import type { DurationMs, Instant } from '@tasker/core'

export interface Clock {
  /** The wall clock; it may jump. */
  now(): Instant
  /** A clock that only goes forward, for waits and leases. */
  monotonicMs(): number
  /** Calls back once after a while; returns the way to call it off. */
  after(delayMs: DurationMs, call: () => void): () => void
}

export const waitOn = (clock: Clock, delayMs: DurationMs): Promise<void> =>
  new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
