/** I19: a step that was skipped never starts. */
import { eachEvent, type InvariantOf } from './invariant.js'

export const skippedStaysSkipped: InvariantOf = (violated) =>
  eachEvent<Set<string>>(
    () => new Set(),
    ({ event, taskId }, skipped) => {
      if (event.type === 'step.skipped') skipped.add(event.step)
      if (event.type === 'step.started' && skipped.has(event.step))
        violated(`I19 ${event.step} of ${taskId} was skipped and started`, taskId)
    },
  )
