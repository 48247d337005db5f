/** I15: every domain event that the log records, and does not refuse, is published once faults stop: each once, those of a task in order. */
import { isDeepStrictEqual } from 'node:util'
import type { InvariantOf } from './invariant.js'

export const everythingIsTold: InvariantOf = (violated, witness) => ({
  rest: ({ published }) => {
    const arrived = new Map<string, string[]>()
    for (const { taskId, eventId } of published) {
      const ids = arrived.get(taskId) ?? []
      arrived.set(taskId, ids)
      ids.push(eventId)
    }
    for (const { taskId, events } of witness.tasks.values()) {
      const recorded = events.flatMap(({ event, version }) =>
        event.type === 'domain_event.recorded' && event.problems === undefined ? [`${taskId}:${version}`] : [],
      )
      const told = arrived.get(taskId) ?? []
      if (!isDeepStrictEqual(told, recorded))
        violated(`I15 ${taskId} recorded ${recorded.join(' ')} and told ${told.join(' ')}`, taskId)
    }
  },
})
