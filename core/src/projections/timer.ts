/** The wake-ups a task waits for: its own, then one a step at most. */
import { elementAt } from '../kernel/invariant.js'
import type { TaskId } from '../kernel/ids.js'
import { staleAt } from '../task/letters/staleness.js'
import { isTerminal, type LiveTask, type StepState } from '../task/state.js'
import type { TimerRow } from './rows.js'

const NO_ROWS: readonly TimerRow[] = []

export const timerRows = (taskId: TaskId, task: LiveTask): readonly TimerRow[] => {
  if (isTerminal(task.phase)) return NO_ROWS
  const own = taskTimers(taskId, task)
  if (task.counts.in_progress + task.counts.waiting_for_retry === 0) return own
  return own.concat(task.steps.flatMap((step, index) => stepTimers(taskId, task, index, step)))
}

const staleTimer = (taskId: TaskId, task: LiveTask): readonly TimerRow[] => {
  const dueAt = staleAt(task)
  return dueAt === undefined ? NO_ROWS : [{ taskId, kind: 'staleness', step: undefined, attempt: 0, dueAt, worker: undefined }]
}

const taskTimers = (taskId: TaskId, task: LiveTask): readonly TimerRow[] => {
  const { phase, submitted, cancel } = task
  if (phase === 'waiting' && submitted.runAt !== undefined) {
    return [{ taskId, kind: 'run_at', step: undefined, attempt: 0, dueAt: submitted.runAt, worker: undefined }]
  }
  if (phase === 'cancelling' && cancel !== undefined) {
    return [{ taskId, kind: 'cancel_grace', step: undefined, attempt: 0, dueAt: cancel.graceUntil, worker: undefined }]
  }
  return staleTimer(taskId, task)
}

const stepTimers = (taskId: TaskId, task: LiveTask, index: number, step: StepState): readonly TimerRow[] => {
  const name = elementAt(task.graph.steps, index, 'steps of the graph').name
  switch (step.status) {
    case 'waiting_for_retry':
      return [{ taskId, kind: 'retry', step: name, attempt: step.attempts, dueAt: step.dueAt, worker: undefined }]
    case 'in_progress':
      return [{ taskId, kind: 'step_timeout', step: name, attempt: step.attempts, dueAt: step.deadlineAt, worker: step.worker }]
    case 'uncreated':
    case 'not_taken':
    case 'pending':
    case 'enqueued':
    case 'complete':
    case 'error':
    case 'cancelled':
    case 'skipped':
    case 'resolved_manually':
    case 'compensated':
      return NO_ROWS
  }
}
