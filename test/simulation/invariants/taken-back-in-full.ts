/** I18: a task that ended after its compensation was taken back in full. */
import { eachEvent, type InvariantOf, isDone } from './invariant.js'

export const takenBackInFull: InvariantOf = (violated) =>
  eachEvent<Set<string>>(
    () => new Set(),
    ({ event, after, taskId, takingBack }, complete) => {
      if (isDone(event) && !takingBack) complete.add(event.step)
      if (event.type !== 'compensation.completed') return
      after.graph.steps.forEach(({ name, compensate }, index) => {
        const status = after.steps[index]?.status
        // A person may have closed the way back.
        if (compensate === undefined || !complete.has(name) || status === 'compensated' || status === 'resolved_manually') return
        violated(`I18 ${name} of ${taskId} is ${status} after the compensation`, taskId)
      })
    },
  )
