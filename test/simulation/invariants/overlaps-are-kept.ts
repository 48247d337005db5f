/** I44: unless its firings may overlap, a schedule fires by its times while no task of it goes on; and as many times wait as its policy says. */
import { isTerminal, type TaskId } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

interface Known {
  /** Of firings that others wait for: the task, once it is known. */
  readonly holding: Map<string, TaskId | undefined>
}

export const overlapsAreKept: InvariantOf = (violated, witness) => {
  const schedules = new Map<string, Known>()
  const goesOn = (taskId: TaskId | undefined): boolean => {
    const state = taskId === undefined ? undefined : witness.tasks.get(taskId)?.state
    return state?.type === 'task' && !isTerminal(state.phase) && state.phase !== 'blocked'
  }
  return {
    commit: ({ schedule }) => {
      if (schedule === undefined) return
      const { name, state, before } = schedule
      for (const event of schedule.events) {
        if (event.type === 'schedule.created') schedules.set(name, { holding: new Map() })
        const known = schedules.get(name)
        const overlap = (state.live ?? before.live)?.definition.overlap
        if (known === undefined || overlap === undefined) continue
        if (event.type === 'schedule.task_started' && known.holding.has(event.firing))
          known.holding.set(event.firing, event.taskId)
        if (event.type === 'schedule.task_ended' || event.type === 'schedule.task_refused') known.holding.delete(event.firing)
        if (event.type === 'schedule.fired') {
          const beside = [...known.holding].find(([, taskId]) => goesOn(taskId))
          if (overlap !== 'allow' && (event.by === 'time' || event.by === 'buffer') && beside !== undefined)
            violated(`I44 the schedule ${name} fires ${event.firing} beside ${beside[0]}, which goes on`, beside[1])
          if (overlap !== 'allow') known.holding.set(event.firing, undefined)
        }
        if (event.type === 'schedule.buffered' && event.by === 'time') {
          const waiting = state.live?.waiting.filter(({ by }) => by === 'time').length ?? 0
          const isWrong = overlap === 'skip' || overlap === 'allow' || (overlap === 'cancel_other' && !event.cancels)
          if (isWrong) violated(`I44 the schedule ${name} buffers a time, and its policy is ${overlap}`)
          if (overlap === 'buffer_one' && waiting > 1 && before.live?.definition.overlap === 'buffer_one')
            violated(`I44 ${waiting} times wait at the schedule ${name}, and one may`)
        }
      }
    },
  }
}
