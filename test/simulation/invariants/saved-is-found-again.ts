/** I31: what a worker was told is saved of an attempt is there for every later attempt of the step. */
import type { InvariantOf } from './invariant.js'

/** A checkpoint in these worlds says that as many items are done as its attempt has for a number. */
export const savedIsFoundAgain: InvariantOf = (violated) => {
  const saved = new Map<string, Set<number>>()
  return {
    sent: (sent) => {
      if (sent.type === 'ack') {
        const { taskId, step, attempt, status, checkpoint } = sent.ack
        if (checkpoint === 0 || (status !== 'recorded' && status !== 'duplicate')) return
        const key = `${taskId}/${step}`
        saved.set(key, (saved.get(key) ?? new Set()).add(attempt))
      }
      if (sent.type !== 'begins') return
      const { taskId, step, attempt } = sent.ref
      // A command may come late: what later attempts saved meanwhile is not for it.
      const earlier = [...(saved.get(`${taskId}/${step}`) ?? [])].filter((other) => other < attempt)
      const items = Math.max(0, ...earlier)
      if (sent.items < items) violated(`I31 ${step} of ${taskId} begins at ${sent.items}; ${items} was saved`, taskId)
    },
  }
}
