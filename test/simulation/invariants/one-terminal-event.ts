/** I3: at most one terminal event a task, and nothing after it. */
import { TERMINAL_EVENTS } from '@tasker/core'
import { eachEvent, type InvariantOf } from './invariant.js'

export const oneTerminalEvent: InvariantOf = (violated) =>
  eachEvent<{ endedBy: string | undefined }>(
    () => ({ endedBy: undefined }),
    ({ taskId, event }, kept) => {
      if (kept.endedBy !== undefined) violated(`I3 ${event.type} in ${taskId} after its end by ${kept.endedBy}`, taskId)
      if (TERMINAL_EVENTS.has(event.type)) kept.endedBy = event.type
    },
  )
