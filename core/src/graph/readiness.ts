/** Whether a step that has not begun may be scheduled, as far as the steps it depends on go. */
import { elementAt } from '../kernel/invariant.js'
import type { LiveTask, StepStatus } from '../task/state.js'
import { isSatisfied } from '../task/step-groups.js'

export type Readiness = 'ready' | 'waits'

/** `index` is of a pending step. */
export const readinessOf = (task: LiveTask, index: number): Readiness => {
  const { join } = elementAt(task.graph.steps, index, 'steps of the graph')
  if (join === 'all') return elementAt(task.unmet, index, 'unmet') === 0 ? 'ready' : 'waits'
  const before = dependenciesOf(task, index).filter((status) => status !== 'not_taken')
  return before.filter(isSatisfied).length >= Math.min(join, before.length) ? 'ready' : 'waits'
}

/** A dependency that is not taken is no dependency any more, and what failed never counts for a join, even where it holds nobody up. */
const dependenciesOf = (task: LiveTask, index: number): readonly StepStatus[] =>
  elementAt(task.graph.dependencies, index, 'dependencies').map((dependency) => elementAt(task.steps, dependency, 'steps').status)
