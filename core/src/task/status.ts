/** The states people are shown, derived from the folded task; `docs/contract.md` fixes the names. */
import type { LiveTask } from './state.js'
import { isSuspended, suspendedFor } from './suspended.js'

export type TaskStatus =
  | 'scheduled'
  | 'pending'
  | 'steps_in_process'
  | 'waiting_for_dependencies'
  | 'waiting_for_retry'
  | 'sleeping'
  | 'waiting_for_signal'
  | 'diverged'
  | 'paused'
  | 'cancelling'
  | 'compensating'
  | 'blocked_by_failures'
  | 'complete'
  | 'cancelled'
  | 'error'
  | 'resolved_manually'

export const taskStatus = (task: LiveTask): TaskStatus => {
  switch (task.phase) {
    case 'waiting':
      return task.pace.type === 'paused' ? 'paused' : 'scheduled'
    case 'completed':
      return 'complete'
    case 'cancelled':
      return 'cancelled'
    case 'failed':
      return 'error'
    case 'resolved_manually':
      return 'resolved_manually'
    case 'cancelling':
      return 'cancelling'
    case 'compensating':
      return task.pace.type === 'paused' ? 'paused' : 'compensating'
    case 'blocked':
      return 'blocked_by_failures'
    case 'running':
      return task.pace.type === 'paused' ? 'paused' : runningStatus(task)
  }
}

/** A function that waits for a handler is where that is. */
const SUSPENDED = {
  call: undefined,
  child: 'waiting_for_dependencies',
  timer: 'sleeping',
  signal: 'waiting_for_signal',
  person: 'diverged',
} as const

const runningStatus = (task: LiveTask): TaskStatus => {
  const { counts } = task
  const suspended = isSuspended(task) ? SUSPENDED[suspendedFor(task)] : undefined
  if (suspended !== undefined) return suspended
  if (counts.in_progress > 0) return 'steps_in_process'
  if (counts.waiting_for_retry > 0 && counts.enqueued === 0) return 'waiting_for_retry'
  if (counts.enqueued > 0) return hasBegun(task) ? 'steps_in_process' : 'pending'
  return 'waiting_for_dependencies'
}

/** Some step was started at some time, though none may be running now. */
const hasBegun = (task: LiveTask): boolean =>
  task.counts.complete > 0 || task.counts.error > 0 || task.steps.some((step) => step.firstStartedAt !== undefined)
