/** Which steps an event changed. */
import type { TaskEvent } from '../task/events.js'
import type { LiveTask, TaskState } from '../task/state.js'

/** Indexes of the steps that are not the same objects any more, or are new. An event of one step changes no other. */
export const changedSteps = (before: TaskState, event: TaskEvent, after: LiveTask): readonly number[] => {
  const old = before.type === 'task' ? before.steps : []
  if ('step' in event) {
    const index = after.graph.indexOf.get(event.step)
    return index === undefined || old[index] === after.steps[index] ? [] : [index]
  }
  return after.steps.flatMap((step, index) => (step === old[index] ? [] : [index]))
}
