/** I23: at most one dead letter of a task is pending, none once the task has ended. */
import { deadLetterRows, isTerminal } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

export const oneDeadLetterPending: InvariantOf = (violated) => ({
  commit: ({ task }) => {
    if (task === undefined) return
    const { taskId, after } = task
    const pending = deadLetterRows(taskId, after).filter(({ status }) => status === 'pending').length
    if (pending > (isTerminal(after.phase) ? 0 : 1)) violated(`I23 ${taskId} has ${pending} pending dead letters`, taskId)
  },
})
