/** I29: once faults have stopped no wake-up of an open task is overdue: each timer of the log has fired, or is to come. */
import { isTerminal, placeId, type TimerRow, timerRows } from '@tasker/core'
import type { Witness } from '../witness.js'
import type { InvariantOf } from './invariant.js'

/** A timer fires within this, one of staleness a minute later: a server that started a moment ago lets nothing go stale. */
const LATE_MS_MAX = 5_000
const STALE_LATE_MS_MAX = 65_000
/** Holders of keys are asked every minute. */
const KEY_LATE_MS_MAX = 65_000

export const wakeUpsCome: InvariantOf = (violated, witness) => {
  const startedAt = new Map<string, number>()
  return {
    commit: ({ stored, task }) => {
      for (const { event } of task?.events ?? [])
        if (event.type === 'step.started' && task !== undefined)
          startedAt.set(placeId({ ...event, taskId: task.taskId }), stored.at)
    },
    rest: ({ now }) => {
      for (const { taskId, kind, step, dueAt } of overdueTimers(witness, now))
        violated(
          `I29 the timer ${kind} of ${step ?? 'the task'} of ${taskId} was forgotten: it is ${now - dueAt} ms late`,
          taskId,
        )
      for (const [key, { state }] of witness.keys)
        for (const [id, { taskId, perMs }] of state.places) {
          const lateMs = now - (startedAt.get(id) ?? now) - (perMs ?? now)
          if (lateMs > KEY_LATE_MS_MAX)
            violated(`I29 the timer of the place of ${id} at ${key} was forgotten: it is ${lateMs} ms late`, taskId)
        }
    },
  }
}

/** What should have fired by now. */
export const overdueTimers = (witness: Witness, now: number): readonly TimerRow[] =>
  [...witness.tasks.values()].flatMap(({ taskId, state }) =>
    state.type === 'task' && !isTerminal(state.phase)
      ? timerRows(taskId, state).filter(
          ({ kind, dueAt }) => now - dueAt > (kind === 'staleness' ? STALE_LATE_MS_MAX : LATE_MS_MAX),
        )
      : [],
  )
