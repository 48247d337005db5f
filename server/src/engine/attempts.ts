/** What workers and the clock say about attempts, turned into commands, and the decisions turned into acknowledgements. */
import {
  attemptsStarted,
  type EventNotes,
  type Failure,
  type HeardSteps,
  type Instant,
  type LiveTask,
  type TaskCommand,
  type TimeoutKind,
  type TimerRow,
  unreachable,
  type WorkerId,
} from '@tasker/core'
import type { AckStatus, AttemptOutcome, AttemptRef, AttemptResult, ResultAck } from './api.js'
import type { Applied } from './task-runtime.js'

/** The command a worker's result is. `draw` is the dice of a retry's jitter. */
export const resultCommand = (
  result: AttemptResult,
  worker: WorkerId,
  at: Instant,
  draw: number,
  eventNotes: EventNotes | undefined,
): TaskCommand => {
  const command = plainCommand(result, worker, at, draw)
  if (eventNotes === undefined || (command.type !== 'complete' && command.type !== 'fail')) return command
  return { ...command, eventNotes }
}

const plainCommand = (result: AttemptResult, worker: WorkerId, at: Instant, draw: number): TaskCommand => {
  const { step, attempt, outcome } = result
  switch (outcome.type) {
    case 'completed':
      return completeCommand(result, outcome, worker, at)
    case 'checkpoint':
      return { ...outcome, at, step, attempt, worker }
    case 'failed':
      return { ...outcome, type: 'fail', at, step, attempt, worker, draw }
    case 'cancelled':
      return { type: 'stopped', at, step, attempt, worker }
    default:
      return unreachable(outcome)
  }
}

/** One literal of a stable shape for what happens at every step. */
const completeCommand = (
  { step, attempt }: AttemptRef,
  outcome: Extract<AttemptOutcome, { readonly type: 'completed' }>,
  worker: WorkerId,
  at: Instant,
): TaskCommand =>
  outcome.choice === undefined && outcome.metadata === undefined
    ? { type: 'complete', at, step, attempt, worker, output: outcome.output }
    : { ...outcome, type: 'complete', at, step, attempt, worker }

/** The failure of an attempt whose worker is gone; what it did is not known. */
export const workerLostFailure = (worker: WorkerId, why: string): Failure => ({
  message: `worker ${worker} was lost: ${why}; whether the step took effect is not known`,
  errorType: 'WorkerLost',
  code: 'WORKER_LOST',
  retryable: true,
})

/** The command a timer fires. `heard` are the signs of life of the task's running steps. */
export const timerCommand = (row: TimerRow, at: Instant, draw: number, heard: HeardSteps): TaskCommand | undefined => {
  switch (row.kind) {
    case 'run_at':
      return { type: 'run_due', at }
    case 'cancel_grace':
      return { type: 'cancel_grace_over', at }
    case 'staleness':
      return { type: 'staleness_due', at, heard }
    case 'retry':
      return row.step === undefined ? undefined : { type: 'retry_due', at, step: row.step, attempt: row.attempt }
    case 'step_timeout':
    case 'child_timeout':
      return timeOut(row, 'start_to_close', at, draw)
    case 'heartbeat':
    case 'schedule_to_start':
    case 'schedule_to_close':
      return timeOut(row, row.kind, at, draw)
    case 'linked':
    case 'function':
      // One is never due, and of the many timers that the other stands for each has a command.
      return undefined
    default:
      return unreachable(row.kind)
  }
}

const timeOut = ({ step, attempt }: TimerRow, kind: TimeoutKind, at: Instant, draw: number): TaskCommand | undefined =>
  step === undefined ? undefined : { type: 'time_out', kind, at, step, attempt, draw }

/** W5, W6: what the worker is told of its result. Undefined when nothing may be said: the log does not hold it, the worker keeps it. */
export const ackOf = (result: AttemptResult, applied: Applied, task: LiveTask | undefined): ResultAck | undefined => {
  switch (applied.type) {
    case 'durable': {
      const ignored = applied.events.find((event) => event.type === 'step.result_ignored')
      return ignored === undefined
        ? ack(result, 'recorded')
        : ack(result, 'ignored', 'LEASE_LOST', 'the attempt was no longer this worker’s')
    }
    case 'unchanged':
      return ack(result, 'duplicate')
    case 'refused': {
      const { reason, message } = applied.refusal
      return ack(result, refusedStatus(reason, result, task), reason, message)
    }
    case 'lost':
      return applied.settled.reason === 'refused'
        ? ack(
            result,
            'refused',
            'RESULT_NOT_STORABLE',
            'the event log refuses this result; the attempt will time out and be retried',
          )
        : undefined
    case 'quarantined':
      return ack(result, 'refused', 'STREAM_QUARANTINED', applied.message)
    default:
      return unreachable(applied)
  }
}

/** Late is ignored; what never was is refused. */
const refusedStatus = (reason: string, ref: AttemptRef, task: LiveTask | undefined): AckStatus => {
  if (reason !== 'LEASE_LOST' && reason !== 'TASK_FINISHED') return 'refused'
  const step = task?.steps[task.graph.indexOf.get(ref.step) ?? -1]
  return step !== undefined && ref.attempt >= 1 && ref.attempt <= attemptsStarted(step) ? 'ignored' : 'refused'
}

const ack = (result: AttemptResult, status: AckStatus, reason?: string, message?: string): ResultAck => ({
  taskId: result.taskId,
  step: result.step,
  attempt: result.attempt,
  status,
  checkpoint: checkpointOf(result),
  reason,
  message,
})

/** The number of the checkpoint that a result is; 0 for the end of an attempt. */
export const checkpointOf = ({ outcome }: AttemptResult): number => (outcome.type === 'checkpoint' ? outcome.number : 0)
