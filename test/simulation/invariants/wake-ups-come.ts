/** I29: once faults have stopped no wake-up of an open task is overdue: each timer of the log has fired, or is to come. */
import { isTerminal, placeId, type TimerRow, timerRows } from '@tasker/core'
import type { Witness } from '../witness.js'
import type { InvariantOf } from './invariant.js'

/** A timer fires within this, once there is a server that may fire it. */
const LATE_MS_MAX = 5_000
/** A server lets nothing go stale in its first minute: it may be long after its time before a start, and a minute more. */
const NOTHING_IS_STALE_MS = 60_000
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
    rest: ({ now, servesSince }) => {
      for (const { taskId, kind, step, dueAt } of overdueTimers(witness, { now, servesSince }))
        violated(
          `I29 the timer ${kind} of ${step ?? 'the task'} of ${taskId} was forgotten: it is ${now - dueAt} ms late, and a server has been there for ${now - servesSince} ms`,
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

/** The wall clock, and since when by it a server answers that may fire what is due. */
export interface Served {
  readonly now: number
  readonly servesSince: number
}

/** What should have fired by now. */
export const overdueTimers = (witness: Pick<Witness, 'tasks'>, served: Served): readonly TimerRow[] =>
  [...witness.tasks.values()].flatMap(({ taskId, state }) =>
    state.type === 'task' && !isTerminal(state.phase)
      ? timerRows(taskId, state).filter((row) => served.now - mayFireAt(row, served) > LATE_MS_MAX)
      : [],
  )

const mayFireAt = ({ kind, dueAt }: TimerRow, { servesSince }: Served): number =>
  Math.max(dueAt, kind === 'staleness' ? servesSince + NOTHING_IS_STALE_MS : servesSince)
