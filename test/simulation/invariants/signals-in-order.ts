/**
 * I35: signals are numbered in the order of the log, and are there before their sender hears so, each request once; a function takes each once, those of
 * a name in their order.
 */
import type { JsonText, TaskId } from '@tasker/core'
import { z } from 'zod'
import { type InvariantOf, eachEvent } from './invariant.js'

interface Signals {
  last: number
  /** Ids of the requests that brought them. */
  readonly requests: Set<string>
  readonly ids: Set<string>
}

interface Taken {
  /** By signal: the place that took it. */
  readonly places: Map<string, string>
}

const newSignals = (): Signals & Taken => ({ last: 0, requests: new Set(), ids: new Set(), places: new Map() })

/** Each signal of these worlds has an id in its payload, whoever sends it. */
export const signalId = (payload: JsonText): string => z.object({ id: z.string() }).parse(JSON.parse(payload)).id

export const signalsInOrder: InvariantOf = (violated) => {
  const tasks = new Map<TaskId, Signals & Taken>()
  const of = (taskId: TaskId): Signals & Taken => {
    const known = tasks.get(taskId) ?? newSignals()
    tasks.set(taskId, known)
    return known
  }
  return {
    ...eachEvent(of, ({ event, taskId }, signals) => {
      if (event.type !== 'signal.received') return
      const { number, payload, requestId = '' } = event
      if (number !== signals.last + 1) violated(`I35 signal ${number} of ${taskId} follows signal ${signals.last}`, taskId)
      if (signals.requests.has(requestId)) violated(`I35 the signal ${requestId} is there twice at ${taskId}`, taskId)
      signals.last = number
      signals.requests.add(requestId)
      signals.ids.add(signalId(payload))
    }),
    sent: (sent) => {
      if (sent.type === 'signalled' && !of(sent.taskId).requests.has(sent.requestId))
        violated(`I35 ${sent.requestId} is said to be at ${sent.taskId} before the log has it`, sent.taskId)
      if (sent.type === 'took') {
        const { taskId, place, signal } = sent
        const { places } = of(taskId)
        const before = places.get(signal)
        if (before !== undefined && before !== place)
          violated(`I35 ${taskId} takes the signal ${signal} at ${place}, and took it at ${before}`, taskId)
        places.set(signal, place)
      }
    },
    rest: () => {
      for (const [taskId, { ids, places }] of tasks)
        for (const signal of places.keys())
          if (!ids.has(signal)) violated(`I35 ${taskId} took ${signal}, which never came`, taskId)
    },
  }
}
