/** I8: an identity is one task's; where its template lets go of it with the task's end, one task's at a time, in the order of the log. */
import { type TaskId, TERMINAL_EVENTS } from '@tasker/core'
import { scopeOfTask } from '@tasker/server/internal/engine/identity'
import { eachEvent, type InvariantOf } from './invariant.js'

export const oneTaskAnIdentity: InvariantOf = (violated) => {
  // Tasks of one identity share a partition, so the order in which they are written is the order of the log.
  const holders = new Map<string, TaskId>()
  const over = new Set<TaskId>()
  return eachEvent(
    () => undefined,
    ({ event, taskId, after }) => {
      if (TERMINAL_EVENTS.has(event.type)) over.add(taskId)
      const scope = event.type === 'task.submitted' ? scopeOfTask(event) : undefined
      if (scope === undefined) return
      const before = holders.get(scope)
      holders.set(scope, taskId)
      if (before === undefined) return
      if (!after.plan.template.identity.whileRunning) violated(`I8 ${taskId} has the identity of ${before} for no reason`, taskId)
      else if (!over.has(before)) violated(`I8 ${taskId} has the identity of ${before}, which is not over`, taskId)
    },
  )
}
