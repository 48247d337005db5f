/** Whether a step that has not begun may be scheduled, as far as the steps it depends on go. */
import { elementAt } from '../kernel/invariant.js'
import type { LiveTask } from '../task/state.js'

export type Readiness = 'ready' | 'waits'

/** `index` is of a pending step. */
export const readinessOf = (task: LiveTask, index: number): Readiness =>
  elementAt(task.unmet, index, 'unmet') === 0 ? 'ready' : 'waits'
