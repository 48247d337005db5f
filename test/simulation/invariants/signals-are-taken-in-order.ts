/** I36: of the signals of a name that are there, a function takes the first that it did not take. */
import type { TaskId } from '@tasker/core'
import { type InvariantOf, eachEvent } from './invariant.js'
import { signalId } from './signals-in-order.js'

interface Arrived {
  /** Signals by name, in the order of the log; those that were taken are gone. */
  readonly waiting: Map<string, string[]>
  readonly taken: Set<string>
}

export const signalsAreTakenInOrder: InvariantOf = (violated) => {
  const tasks = new Map<TaskId, Arrived>()
  const of = (taskId: TaskId): Arrived => {
    const known = tasks.get(taskId) ?? { waiting: new Map<string, string[]>(), taken: new Set<string>() }
    tasks.set(taskId, known)
    return known
  }
  return {
    ...eachEvent(of, ({ event }, { waiting }) => {
      if (event.type !== 'signal.received') return
      const list = waiting.get(event.name) ?? []
      waiting.set(event.name, [...list, signalId(event.payload)])
    }),
    sent: (sent) => {
      if (sent.type !== 'took') return
      const { taskId, name, signal } = sent
      const { waiting, taken } = of(taskId)
      // A replay takes what it took.
      if (taken.has(signal)) return
      taken.add(signal)
      const list = waiting.get(name) ?? []
      if (list[0] !== signal) violated(`I36 ${taskId} takes ${signal} as ${name}, and ${list[0]} came before it`, taskId)
      waiting.set(
        name,
        list.filter((each) => each !== signal),
      )
    },
  }
}
