/** I11: a task that is complete has no step that could still come. */
import { eachEvent, type InvariantOf } from './invariant.js'

export const nothingLeftOpen: InvariantOf = (violated) =>
  eachEvent(
    () => undefined,
    ({ event, after, taskId }) => {
      if (event.type !== 'task.completed') return
      const { uncreated, pending, enqueued, in_progress, waiting_for_retry } = after.counts
      const open = uncreated + pending + enqueued + in_progress + waiting_for_retry
      if (open > 0) violated(`I11 ${taskId} is complete and ${open} of its steps could still come`, taskId)
    },
  )
