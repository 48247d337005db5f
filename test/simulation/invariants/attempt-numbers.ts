/** I24: an attempt's number is never used twice in a step, also not after a reset or in its way back. */
import type { InvariantOf } from './invariant.js'

export const attemptNumbers: InvariantOf = (violated) => {
  const highest = new Map<string, number>()
  return {
    commit: ({ decoded }) => {
      for (const { event } of decoded?.events ?? []) {
        if (decoded === undefined || event.type !== 'step.started') continue
        const key = `${event.step} of ${decoded.taskId}`
        const before = highest.get(key) ?? 0
        if (event.attempt <= before)
          violated(`I24 attempt number ${event.attempt} of ${key} is used again: ${before} was`, decoded.taskId)
        highest.set(key, Math.max(before, event.attempt))
      }
    },
  }
}
