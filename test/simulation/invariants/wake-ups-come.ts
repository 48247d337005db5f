/** I29: once faults have stopped no wake-up of an open task is overdue: each timer of the log has fired, or is to come. */
import { isTerminal, type TimerRow, timerRows } from '@tasker/core'
import type { Witness } from '../witness.js'
import type { InvariantOf } from './invariant.js'

/** A timer fires within this, one of staleness a minute later: a server that started a moment ago lets nothing go stale. */
const LATE_MS_MAX = 5_000
const STALE_LATE_MS_MAX = 65_000

export const wakeUpsCome: InvariantOf = (violated, witness) => ({
  rest: ({ now }) => {
    for (const { taskId, kind, step, dueAt } of overdueTimers(witness, now))
      violated(`I29 the timer ${kind} of ${step ?? 'the task'} of ${taskId} was forgotten: it is ${now - dueAt} ms late`, taskId)
  },
})

/** What should have fired by now. */
export const overdueTimers = (witness: Witness, now: number): readonly TimerRow[] =>
  [...witness.tasks.values()].flatMap(({ taskId, state }) =>
    state.type === 'task' && !isTerminal(state.phase)
      ? timerRows(taskId, state).filter(
          ({ kind, dueAt }) => now - dueAt > (kind === 'staleness' ? STALE_LATE_MS_MAX : LATE_MS_MAX),
        )
      : [],
  )
