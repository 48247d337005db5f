/** I21: nothing starts in a task between its pause and its resumption, or the cancellation that ends the pause too: a function cleans up. */
import { eachEvent, type InvariantOf } from './invariant.js'

export const nothingStartsPaused: InvariantOf = (violated) =>
  eachEvent<{ paused: boolean }>(
    () => ({ paused: false }),
    ({ event, taskId }, kept) => {
      if (event.type === 'task.paused') kept.paused = true
      if (event.type === 'task.resumed' || event.type === 'task.cancel_requested') kept.paused = false
      if (kept.paused && event.type === 'step.started')
        violated(`I21 ${event.step} of ${taskId} started although it was paused`, taskId)
    },
  )
