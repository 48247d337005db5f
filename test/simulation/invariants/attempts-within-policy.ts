/** I5: attempts of a step never exceed its policy; each reset gives the policy's budget once more, and a way back has a policy of its own. */
import { eachEvent, type InvariantOf } from './invariant.js'

interface Counts {
  started: number
  released: number
  resets: number
  completed: number
}

export const attemptsWithinPolicy: InvariantOf = (violated) =>
  eachEvent<Map<string, Counts>>(
    () => new Map(),
    ({ event, after, taskId, takingBack }, kept) => {
      if (!('step' in event)) return
      const spec = after.graph.steps[after.graph.indexOf.get(event.step) ?? -1]
      const key = `${event.step}${takingBack ? ' taken back' : ''}`
      const counts = kept.get(key) ?? { started: 0, released: 0, resets: 0, completed: 0 }
      kept.set(key, counts)
      if (event.type === 'step.released' || event.type === 'step.suspended') counts.released++
      if (event.type === 'step.reset_for_retry') counts.resets++
      if (event.type === 'step.completed' && ++counts.completed > 1)
        violated(`I5 ${key} of ${taskId} was completed ${counts.completed} times`, taskId)
      if (event.type !== 'step.started' || spec === undefined) return
      counts.started++
      const { maxAttempts } = (takingBack ? spec.compensate?.retry : undefined) ?? spec.retry
      const allowed = (1 + counts.resets) * Math.max(1, maxAttempts)
      const counted = counts.started - counts.released
      if (counted > allowed) violated(`I5 ${key} of ${taskId} has ${counted} attempts; ${allowed} are allowed`, taskId)
    },
  )
