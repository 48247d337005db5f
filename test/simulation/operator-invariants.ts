/**
 * What must be so of operators' orders and of dead letters after every run.
 *
 * I21  Nothing starts in a task between its pause and its resumption.
 * I22  A step that a person closed has no result of a worker after that.
 * I23  At most one dead letter of a task is pending, none once the task has ended; the rows are those of the fold.
 */
import { isDeepStrictEqual } from 'node:util'
import { type DeadLetterRow, deadLetterRows, isTerminal, type LiveTask, type RecordedTaskEvent, type TaskId } from '@tasker/core'
import { taking } from './failure-invariants.js'

interface Folded {
  readonly taskId: TaskId
  readonly events: readonly RecordedTaskEvent[]
  readonly task: LiveTask
}

export const ordersHold = (folded: Folded, stored: readonly DeadLetterRow[]): readonly string[] => [
  ...nothingStartsPaused(folded),
  ...closedIsClosed(folded),
  ...lettersHold(folded, stored),
]

const nothingStartsPaused = ({ taskId, events }: Folded): readonly string[] => {
  let paused = false
  return events.flatMap(({ event }) => {
    if (event.type === 'task.paused') paused = true
    if (event.type === 'task.resumed') paused = false
    return paused && event.type === 'step.started' ? [`I21 ${event.step} of ${taskId} started although it was paused`] : []
  })
}

const closedIsClosed = ({ taskId, events }: Folded): readonly string[] => {
  const closed = new Set<string>()
  // What ends after that is a way back.
  return events.slice(0, taking(events)).flatMap(({ event }) => {
    if (event.type === 'step.resolved_manually' || event.type === 'step.completed_manually') closed.add(event.step)
    const isResult = event.type === 'step.completed' || event.type === 'step.failed' || event.type === 'step.timed_out'
    return isResult && closed.has(event.step) ? [`I22 ${event.step} of ${taskId} ended after a person had closed it`] : []
  })
}

const lettersHold = ({ taskId, task }: Folded, stored: readonly DeadLetterRow[]): readonly string[] => {
  const rows = deadLetterRows(taskId, task)
  const pending = rows.filter(({ status }) => status === 'pending').length
  const wrong: string[] = []
  if (pending > (isTerminal(task.phase) ? 0 : 1)) wrong.push(`I23 ${taskId} has ${pending} pending dead letters`)
  const own = stored.filter((row) => row.taskId === taskId && rows.some(({ entry }) => entry === row.entry))
  if (!isDeepStrictEqual(own, rows)) wrong.push(`I23 the dead letters of ${taskId} are others in the store`)
  return wrong
}
