/** I22: a step that a person closed has no result of a worker after that. */
import { eachEvent, type InvariantOf } from './invariant.js'

export const closedStaysClosed: InvariantOf = (violated) =>
  eachEvent<Set<string>>(
    () => new Set(),
    ({ event, taskId, takingBack }, closed) => {
      // What ends after that is a way back.
      if (takingBack) return
      if (event.type === 'step.resolved_manually' || event.type === 'step.completed_manually') closed.add(event.step)
      const isResult = event.type === 'step.completed' || event.type === 'step.failed' || event.type === 'step.timed_out'
      if (isResult && closed.has(event.step))
        violated(`I22 ${event.step} of ${taskId} ended after a person had closed it`, taskId)
    },
  )
