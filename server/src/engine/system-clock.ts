/** The machine's clocks and timers. */
import { instant } from '@tasker/core'
import type { Clock } from './clock.js'

export const systemClock: Clock = {
  now: () => instant(Date.now()),
  monotonicMs: () => performance.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  },
}
