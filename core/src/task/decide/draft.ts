/**
 * A decision in the making: the events so far, and the task as they make it.
 *
 * F1  Each rule reads the task after everything that was decided before it, never the task the command met.
 * F2  The events of a draft, folded over the task it began with, give the task it ends with.
 */
import type { Instant } from '../../kernel/instant.js'
import { invariant } from '../../kernel/invariant.js'
import type { TaskEvent } from '../events.js'
import { evolve } from '../evolve.js'
import type { LiveTask } from '../state.js'

export interface Draft {
  readonly at: Instant
  readonly task: LiveTask
  readonly events: readonly TaskEvent[]
  /** Decides one more event. */
  readonly add: (event: TaskEvent) => void
}

export const draftOf = (task: LiveTask, at: Instant): Draft => {
  const events: TaskEvent[] = []
  let current = task
  return {
    at,
    get task() {
      return current
    },
    events,
    add: (event) => {
      const next = evolve(current, event, at, current.plan)
      invariant(next.type === 'task', 'a task stays a task')
      events.push(event)
      current = next
    },
  }
}
