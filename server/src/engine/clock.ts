/** Time as the engine sees it: a port, so that tests and the simulation can turn it by hand. */
import type { DurationMs, Instant } from '@tasker/core'

export interface Clock {
  /** The wall clock; it may jump. */
  now(): Instant
  /** A clock that only goes forward, for waits and leases. */
  monotonicMs(): number
  /**
   * Calls back once after a while; returns the way to call it off. `upkeep` is what looks again and again whether there is something to do: a
   * clock that is turned by hand may call it late, and once for many times.
   */
  after(delayMs: DurationMs, call: () => void, use?: 'upkeep'): () => void
}

export const waitOn = (clock: Clock, delayMs: DurationMs): Promise<void> =>
  new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
