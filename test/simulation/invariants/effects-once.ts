/** I33: what a function did is recorded once a key and life: no step, no handed signal and no patch stands in a journal twice. */
import { type InvariantOf, eachEvent } from './invariant.js'

export const effectsOnce: InvariantOf = (violated) =>
  eachEvent<{ seen: Set<string> }>(
    () => ({ seen: new Set() }),
    ({ event, taskId }, kept) => {
      if (event.type === 'function.continued') kept.seen = new Set()
      if (event.type !== 'effect.recorded' || event.kind === 'state') return
      const key = `${event.kind} ${event.key}`
      if (kept.seen.has(key)) violated(`I33 ${key} of ${taskId} is recorded again`, taskId)
      kept.seen.add(key)
    },
  )
