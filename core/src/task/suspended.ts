/** A durable function between two runs: it waits for what its journal waits for, and holds no worker. */
import { openTimersOf } from '../function/open-timers.js'
import type { LiveTask } from './state.js'

const RUN = 0

/** It has begun, and waits without a worker. */
export const isSuspended = ({ journal, phase, steps }: LiveTask): boolean =>
  journal !== undefined && (phase === 'running' || phase === 'cancelling') && steps[RUN]?.status === 'pending'

/** Its code does not fit its journal: it waits for a person. */
export const hasDiverged = ({ journal }: LiveTask): boolean => journal?.diverged !== undefined

/** A cancellation is something it hears, and cleans up after. A function that never ran, or cannot, has nothing to clean up. */
export const cleansUp = (task: LiveTask): boolean =>
  task.journal !== undefined && !hasDiverged(task) && task.steps[RUN]?.firstStartedAt !== undefined

/** What a suspended function waits for. */
export type SuspendedFor = 'call' | 'child' | 'timer' | 'signal' | 'person'

export const suspendedFor = (task: LiveTask): SuspendedFor => {
  if (hasDiverged(task)) return 'person'
  if ((task.journal?.calls.size ?? 0) > 0) return 'call'
  if ((task.journal?.children.size ?? 0) > 0) return 'child'
  // A wait for a signal with an end has a timer too, and is no sleep.
  for (const [, { kind }] of task.journal === undefined ? [] : openTimersOf(task.journal.timers))
    if (kind === 'timer') return 'timer'
  return 'signal'
}
