/** The wake-ups a task waits for: its own, then those of each step. */
import { type FunctionJournal, nextDueAt } from '../function/journal.js'
import { elementAt } from '../kernel/invariant.js'
import { instant, later, type Instant } from '../kernel/instant.js'
import type { TaskId, WorkerId } from '../kernel/ids.js'
import { staleAt } from '../task/letters/staleness.js'
import { isTerminal, type LiveTask, type StepState } from '../task/state.js'
import { mayBeTimed } from '../task/step-groups.js'
import { cleansUp } from '../task/suspended.js'
import { childOfStep } from '../task/function-step.js'
import { isLinked } from '../task/links.js'
import { runOf } from '../task/compensation.js'
import type { TimerRow } from './rows.js'

const NO_ROWS: readonly TimerRow[] = []

export const timerRows = (taskId: TaskId, task: LiveTask): readonly TimerRow[] => {
  if (isTerminal(task.phase)) return linkedRow(taskId, task)
  const own =
    task.journal === undefined ? taskTimers(taskId, task) : [...taskTimers(taskId, task), ...functionTimer(taskId, task.journal)]
  return isLinked(task) ? [...liveTimers(taskId, task, own), ...linkedRow(taskId, task)] : liveTimers(taskId, task, own)
}

const liveTimers = (taskId: TaskId, task: LiveTask, own: readonly TimerRow[]): readonly TimerRow[] => {
  if (task.counts.in_progress + task.counts.waiting_for_retry === 0 && !(mayBeTimed(task) && task.counts.enqueued > 0)) return own
  return own.concat(task.steps.flatMap((step, index) => stepTimers(taskId, task, index, step)))
}

/** The last moment of the year 9999. */
const NEVER = instant(253_402_300_799_999)

const linkedRow = (taskId: TaskId, task: LiveTask): readonly TimerRow[] =>
  isLinked(task) ? [{ taskId, kind: 'linked', step: undefined, attempt: 0, dueAt: NEVER, worker: undefined }] : NO_ROWS

const staleTimer = (taskId: TaskId, task: LiveTask): readonly TimerRow[] => {
  const dueAt = staleAt(task)
  return dueAt === undefined ? NO_ROWS : [{ taskId, kind: 'staleness', step: undefined, attempt: 0, dueAt, worker: undefined }]
}

const taskTimers = (taskId: TaskId, task: LiveTask): readonly TimerRow[] => {
  const { phase, submitted, cancel } = task
  if (phase === 'waiting' && submitted.runAt !== undefined) {
    return [{ taskId, kind: 'run_at', step: undefined, attempt: 0, dueAt: submitted.runAt, worker: undefined }]
  }
  if (phase === 'cancelling' && cancel !== undefined && !cleansUp(task)) {
    return [{ taskId, kind: 'cancel_grace', step: undefined, attempt: 0, dueAt: cancel.graceUntil, worker: undefined }]
  }
  return staleTimer(taskId, task)
}

/** Its first timer, whether it runs or is suspended: what a function that runs waits for comes to it too. */
const functionTimer = (taskId: TaskId, journal: FunctionJournal): readonly TimerRow[] => {
  const dueAt = nextDueAt(journal)
  return dueAt === undefined ? NO_ROWS : [{ taskId, kind: 'function', step: undefined, attempt: 0, dueAt, worker: undefined }]
}

const stepTimers = (taskId: TaskId, task: LiveTask, index: number, step: StepState): readonly TimerRow[] => {
  const spec = elementAt(task.graph.steps, index, 'steps of the graph')
  const row = (kind: TimerRow['kind'], dueAt: Instant, worker?: WorkerId): TimerRow => ({
    taskId,
    kind,
    step: spec.name,
    attempt: step.attempts,
    dueAt,
    worker,
  })
  switch (step.status) {
    case 'waiting_for_retry':
      return [row('retry', step.dueAt), ...closing(task, step, row)]
    case 'in_progress': {
      if (childOfStep(step) !== undefined) return [row('child_timeout', step.deadlineAt), ...closing(task, step, row)]
      const timeout = row('step_timeout', step.deadlineAt, step.worker)
      const { heartbeatMs } = runOf(task, index)
      const heartbeat = heartbeatMs === undefined ? NO_ROWS : [row('heartbeat', later(step.deadlineAt, heartbeatMs), step.worker)]
      return [timeout, ...heartbeat, ...closing(task, step, row)]
    }
    case 'enqueued': {
      const starting =
        step.startBy === undefined || task.pace.type === 'paused' ? NO_ROWS : [row('schedule_to_start', step.startBy)]
      return [...starting, ...closing(task, step, row)]
    }
    case 'uncreated':
    case 'not_taken':
    case 'pending':
    case 'complete':
    case 'error':
    case 'cancelled':
    case 'skipped':
    case 'resolved_manually':
    case 'compensated':
      return NO_ROWS
  }
}

/** The time over all attempts stands still while the task is paused. */
const closing = (
  { pace }: LiveTask,
  { closeBy }: StepState,
  row: (kind: TimerRow['kind'], dueAt: Instant) => TimerRow,
): readonly TimerRow[] => (closeBy === undefined || pace.type === 'paused' ? NO_ROWS : [row('schedule_to_close', closeBy)])
