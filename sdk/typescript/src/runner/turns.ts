/** How the turns of functions follow each other in Node. */
import type { Turns } from '../durable/port.js'
import { LIMITS } from '../limits.js'

/** Kept from the start: a test may put timers of its own in the place of Node's. */
const { queueMicrotask, setImmediate } = globalThis
const nextTick = (callback: () => void): void => process.nextTick(callback)

/** Calls back in a turn of the loop of its own. */
export const inTurnOfLoop = (callback: () => void): void => void setImmediate(callback)

/**
 * A function rests when every promise is followed, which is when Node looks at its ticks again. That is no turn of the loop, so functions that were
 * told something together go on together; now and then the loop has its turn all the same.
 */
export const turnsOfNode = (): Turns => {
  let turns = 0
  return {
    rest: (callback) => {
      turns++
      if (turns % LIMITS.functionTurnsTogetherMax === 0) inTurnOfLoop(callback)
      // The tick is asked for behind everything that follows by now, and comes behind all that follows that.
      else queueMicrotask(() => nextTick(callback))
    },
  }
}
