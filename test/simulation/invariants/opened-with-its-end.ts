/** I9: what a decision or an analyzer opened stands right behind its end, in the same commit. */
import type { LiveTask, TaskEvent } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

export const openedWithItsEnd: InvariantOf = (violated) => ({
  commit: ({ task }) => {
    if (task === undefined) return
    const { taskId, after } = task
    const events = task.events.map(({ event }) => event).filter(({ type }) => type !== 'domain_event.recorded')
    events.forEach((event, place) => {
      // A cancelled task opens nothing any more.
      if (event.type !== 'step.completed' || !opens(after, event) || after.cancel !== undefined) return
      if (events[place + 1]?.type !== 'steps.created')
        violated(`I9 ${event.step} of ${taskId} ended without what it opened`, taskId)
    })
  },
})

const opens = (task: LiveTask, event: Extract<TaskEvent, { readonly type: 'step.completed' }>): boolean => {
  const type = task.graph.steps[task.graph.indexOf.get(event.step) ?? -1]?.type
  return type === 'decision' || type === 'batchable'
}
