/** I24: an attempt's number is never used twice in a step, also not after a reset or in its way back. */
import type { InvariantOf } from './invariant.js'

export const attemptNumbers: InvariantOf = (violated) => {
  /** The highest number that started, by step. */
  const started = new Map<string, number>()
  return {
    commit: ({ decoded }) => {
      for (const { event } of decoded?.events ?? []) {
        if (decoded === undefined) continue
        if (event.type !== 'step.scheduled' && event.type !== 'step.retry_scheduled' && event.type !== 'step.started') continue
        const key = `${event.step} of ${decoded.taskId}`
        const before = started.get(key) ?? 0
        if (event.attempt <= before) violated(`I24 attempt number ${event.attempt} of ${key} is given again`, decoded.taskId)
        if (event.type === 'step.started') started.set(key, event.attempt)
      }
    },
  }
}
