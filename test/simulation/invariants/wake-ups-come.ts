/** I29: once faults have stopped no wake-up of an open task is overdue: each timer of the log has fired, or is to come. */
import { isTerminal, timerRows } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

/** A timer that is late by so much was forgotten. */
const LATE_MS_MAX = 60_000

export const wakeUpsCome: InvariantOf = (violated, witness) => ({
  rest: ({ now }) => {
    for (const { taskId, state } of witness.tasks.values()) {
      if (state.type !== 'task' || isTerminal(state.phase)) continue
      for (const { kind, step, dueAt } of timerRows(taskId, state))
        if (now - dueAt > LATE_MS_MAX)
          violated(
            `I29 the timer ${kind} of ${step ?? 'the task'} of ${taskId} was forgotten: it is ${now - dueAt} ms late`,
            taskId,
          )
    }
  },
})
