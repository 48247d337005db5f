/**
 * Go on: what `settle` would decide after a completed step of a plain plan, without folding anything. This is the hot path; a property
 * test holds the two together.
 */
import { elementAt } from '../../kernel/invariant.js'
import type { TaskEvent } from '../events.js'
import type { LiveTask } from '../state.js'
import { activeSteps, failedSteps, passedSteps } from '../step-groups.js'

/** `task` is running and does not know yet that the step at `index` is complete. */
export const goOn = (task: LiveTask, index: number): readonly TaskEvent[] => {
  const events: TaskEvent[] = []
  for (const dependent of elementAt(task.graph.dependents, index, 'dependents')) {
    if (task.unmet[dependent] !== 1 || task.steps[dependent]?.status !== 'pending') continue
    events.push({ type: 'step.scheduled', step: elementAt(task.graph.steps, dependent, 'steps of the graph').name, attempt: 1 })
  }
  if (passedSteps(task) + 1 === task.graph.steps.length) events.push({ type: 'task.completed' })
  else if (task.counts.error > 0 && events.length === 0 && activeSteps(task) === 1) {
    events.push({ type: 'task.blocked', steps: failedSteps(task) })
  }
  return events
}
