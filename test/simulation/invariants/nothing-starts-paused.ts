/** I21: nothing starts in a task between its pause and its resumption. */
import { eachEvent, type InvariantOf } from './invariant.js'

export const nothingStartsPaused: InvariantOf = (violated) =>
  eachEvent<{ paused: boolean }>(
    () => ({ paused: false }),
    ({ event, taskId }, kept) => {
      if (event.type === 'task.paused') kept.paused = true
      if (event.type === 'task.resumed') kept.paused = false
      if (kept.paused && event.type === 'step.started')
        violated(`I21 ${event.step} of ${taskId} started although it was paused`, taskId)
    },
  )
