/** I34: a function that saw a value at a place of its code sees the same there for ever, on every worker and after every replay. */
import type { InvariantOf } from './invariant.js'

export const functionsSeeTheSame: InvariantOf = (violated) => {
  const seen = new Map<string, string>()
  return {
    sent: (sent) => {
      if (sent.type !== 'saw') return
      const { taskId, place, value } = sent
      const key = `${taskId} ${place}`
      const before = seen.get(key)
      if (before === undefined) seen.set(key, value)
      else if (before !== value) violated(`I34 ${taskId} sees ${value} at ${place}, where it saw ${before}`, taskId)
    },
  }
}
