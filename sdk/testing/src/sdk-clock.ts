/** The virtual clock as the SDK sees it: what it does again and again is upkeep. */
import { durationMs } from '@tasker/core'
import type { Clock } from '@tasker/sdk'
import type { VirtualClock } from './virtual-clock.js'

export const sdkClock = (clock: VirtualClock): Clock => ({
  nowMs: () => clock.monotonicMs(),
  after: (delayMs, callback) => clock.after(durationMs(delayMs), callback),
  every: (periodMs, callback) => {
    let stop = (): void => undefined
    const next = (): void => {
      stop = clock.after(
        durationMs(periodMs),
        () => {
          next()
          callback()
        },
        'upkeep',
      )
    }
    next()
    return () => stop()
  },
  endOfTurn: (callback) => process.nextTick(callback),
  draw: () => 0.5,
})
