/** What a durable commit causes outside the log: commands to workers, entries of queues, timers, news for followers, rows to project. */
import {
  elementAt,
  type LiveTask,
  readyRows,
  type RecordedTaskEvent,
  type StepId,
  type TaskEvent,
  type TaskId,
  timerRows,
  versionNumber,
} from '@tasker/core'
import type { Dispatcher } from '../dispatch/dispatcher.js'
import type { Lease } from '../dispatch/lease.js'
import type { Workers } from '../dispatch/workers.js'
import type { Projector } from '../projections/projector.js'
import type { EngineMetrics } from '../telemetry/metrics.js'
import type { TimerWindow } from '../timers/timer-window.js'
import { type Followers, hasOutcome } from './followers.js'
import type { StreamCache } from './stream-cache.js'
import type { TaskCommit } from './task-commit.js'
import type { TaskStream } from './task-stream.js'

export interface DeliveryTargets {
  readonly workers: Workers
  readonly dispatcher: Dispatcher
  readonly timers: TimerWindow
  readonly followers: Followers
  readonly projector: Projector
  readonly cache: StreamCache
  readonly metrics: EngineMetrics
  /** A start that found its worker gone. */
  readonly undeliverable: (lease: Lease) => void
}

export const deliver = (commit: TaskCommit, seq: number, targets: DeliveryTargets): void => {
  const { stream, state } = commit
  project(commit, seq, targets)
  for (const lease of commit.overdue) targets.workers.abort(lease.worker, lease)
  for (const lease of commit.started) sendCommand(lease, state, targets)
  for (const event of commit.events) deliverEvent(event, stream, state, targets)
  enqueue(commit, targets)
  if (targets.followers.listening(stream.taskId)) targets.followers.events(stream.taskId, recordedEvents(commit))
  if (hasOutcome(state)) {
    targets.followers.settled(stream.taskId, state)
    if (state.endedAt !== undefined) targets.cache.ended(stream)
  }
}

const project = (commit: TaskCommit, seq: number, { projector }: DeliveryTargets): void => {
  const { stream, state, version } = commit
  projector.add({
    partition: stream.partition,
    seq,
    at: commit.at,
    task: { taskId: stream.taskId, state, version, stream },
    identity: commit.identity,
  })
}

/** W7: the start is durable, the command may leave. */
const sendCommand = (lease: Lease, task: LiveTask, targets: DeliveryTargets): void => {
  const { worker } = lease
  if (targets.workers.lease(lease) !== lease) return
  if (worker.port === undefined) {
    targets.undeliverable(lease)
    return
  }
  lease.sent = true
  targets.metrics.stepStarted()
  const stepIndex = task.plan.indexOf.get(lease.step) ?? -1
  const { taskId, step, attempt } = lease
  worker.port.command({ taskId, step, attempt, task, stepIndex, deadlineAt: lease.timeout.dueAt })
  if (lease.cancelRequested) targets.workers.cancel(lease)
  targets.workers.flushSoon(worker.port)
}

const deliverEvent = (event: TaskEvent, stream: TaskStream, state: LiveTask, targets: DeliveryTargets): void => {
  const { metrics } = targets
  switch (event.type) {
    case 'step.retry_scheduled':
      metrics.stepRetryScheduled()
      armTimers(stream.taskId, state, targets)
      break
    case 'task.submitted':
      metrics.taskSubmitted()
      if (event.runAt !== undefined) armTimers(stream.taskId, state, targets)
      break
    case 'task.cancel_requested':
      for (const [index, step] of state.steps.entries()) {
        if (step.status !== 'in_progress') continue
        const lease = targets.workers.lease({ taskId: stream.taskId, step: stepName(state, index), attempt: step.attempts })
        if (lease !== undefined) targets.workers.cancel(lease)
      }
      armTimers(stream.taskId, state, targets)
      break
    case 'step.completed':
      metrics.stepEnded('completed')
      break
    case 'step.failed':
      metrics.stepEnded('failed')
      break
    case 'step.timed_out':
      metrics.stepEnded('timed_out')
      break
    case 'step.cancelled':
      metrics.stepEnded('cancelled')
      break
    case 'step.released':
      metrics.stepReleased()
      break
    case 'step.result_ignored':
      metrics.resultIgnored()
      break
    case 'task.blocked':
      metrics.taskBlocked()
      break
    case 'task.completed':
      metrics.taskEnded('completed')
      break
    case 'task.cancelled':
      metrics.taskEnded('cancelled')
      break
    default:
  }
}

/** The steps that this commit made ready wait for a worker, unless it started them too. */
const enqueue = ({ stream, state, events }: TaskCommit, { dispatcher }: DeliveryTargets): void => {
  let waiting: Set<StepId> | undefined
  for (const event of events) {
    if (event.type !== 'step.scheduled') continue
    if (state.steps[state.plan.indexOf.get(event.step) ?? -1]?.status === 'enqueued') (waiting ??= new Set()).add(event.step)
  }
  if (waiting === undefined) return
  for (const row of readyRows(stream.taskId, state)) if (waiting.has(row.step)) dispatcher.add(row)
}

const armTimers = (taskId: TaskId, state: LiveTask, { timers }: DeliveryTargets): void => {
  for (const row of timerRows(taskId, state)) if (row.kind !== 'step_timeout') timers.add(row)
}

const stepName = (state: LiveTask, index: number): StepId => elementAt(state.plan.steps, index, 'a step').name

const recordedEvents = (commit: TaskCommit): readonly RecordedTaskEvent[] =>
  commit.events.map((event, index) => ({
    version: versionNumber(commit.draft.firstVersion + index),
    at: commit.at,
    event,
    cause: commit.cause,
  }))
