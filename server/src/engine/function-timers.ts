/** The timers of a durable function: one wake-up stands for all of them, and fires those whose time has come. */
import { dueTimers, type TaskCommand, type TimerRow, timerRows } from '@tasker/core'
import { engineCause } from './attempt-command.js'
import type { TaskRuntime } from './task-runtime.js'
import type { TaskStream } from './task-stream.js'

/** Fires the timers that are due, each in a commit of its own; the next is armed by those commits, or else by `arm`. */
export const fireTimers = (stream: TaskStream, runtime: TaskRuntime, arm: (row: TimerRow) => void, done: () => void): void => {
  const { state } = stream
  const journal = state.type === 'task' ? state.journal : undefined
  if (state.type !== 'task' || journal === undefined) return done()
  const at = runtime.now(stream)
  const keys = dueTimers(journal, at)
  let left = keys.length
  if (left === 0) {
    for (const row of timerRows(stream.taskId, state)) if (row.kind === 'function') arm(row)
    return done()
  }
  for (const key of keys) {
    const command: TaskCommand = { type: 'timer_due', at: runtime.now(stream), key }
    runtime.apply(stream, command, { cause: engineCause(command.type) }, () => {
      left--
      if (left === 0) done()
    })
  }
}
