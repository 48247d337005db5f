/** I37: a timer of a function starts once a key, and ends once: it is cancelled, or fires, and not before its time. */
import { type InvariantOf, eachEvent } from './invariant.js'

interface Timers {
  /** By key: when it is due; undefined once it is over. */
  open: Map<string, number | undefined>
}

export const functionTimersOnce: InvariantOf = (violated) => {
  let now = 0
  const invariant = eachEvent<Timers>(
    () => ({ open: new Map() }),
    ({ event, taskId }, timers) => {
      if (event.type === 'function.continued') timers.open = new Map()
      if (event.type === 'timer.started') {
        if (timers.open.has(event.key)) violated(`I37 the timer ${event.key} of ${taskId} starts again`, taskId)
        timers.open.set(event.key, event.dueAt)
      }
      if (event.type !== 'timer.fired' && event.type !== 'timer.cancelled') return
      const dueAt = timers.open.get(event.key)
      timers.open.set(event.key, undefined)
      if (dueAt === undefined) violated(`I37 ${event.type} of ${event.key} of ${taskId}, which does not run`, taskId)
      else if (event.type === 'timer.fired' && now < dueAt)
        violated(`I37 the timer ${event.key} of ${taskId} fires ${dueAt - now} ms early`, taskId)
    },
  )
  return {
    commit: (commit) => {
      now = commit.stored.at
      invariant.commit?.(commit)
    },
  }
}
