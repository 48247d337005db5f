/** Time as the SDK sees it: a port, so that tests can turn the hands. */

export interface Clock {
  /** Milliseconds of a clock that never jumps. */
  readonly nowMs: () => number
  /** Calls back once; returns the way to call it off. */
  readonly after: (delayMs: number, callback: () => void) => () => void
  /** Calls back again and again; returns the way to stop. */
  readonly every: (periodMs: number, callback: () => void) => () => void
  /** Calls back when the work of this turn is done: what gathered meanwhile leaves in one message. */
  readonly endOfTurn: (callback: () => void) => void
  /** A number from 0 to 1, for spreading retries. */
  readonly draw: () => number
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
  every: (periodMs, callback) => {
    const timer = setInterval(callback, periodMs)
    return () => clearInterval(timer)
  },
  endOfTurn: (callback) => process.nextTick(callback),
  draw: () => Math.random(),
}
