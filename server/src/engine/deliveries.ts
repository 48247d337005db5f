/** What a durable commit causes outside the log: commands to workers, entries of queues, timers, news for followers, rows to project. */
import {
  activityRows,
  type ArchivedTask,
  durationMs,
  elementAt,
  type FunctionJournal,
  later,
  type LiveTask,
  mayBeTimed,
  nextDueAt,
  type ReadyRow,
  readyRows,
  type RecordedTaskEvent,
  RUN_STEP,
  type StepId,
  type TaskEvent,
  type TaskId,
  timerRows,
  unreachable,
  versionNumber,
} from '@tasker/core'
import type { Lease } from '../dispatch/worker.js'
import type { Workers } from '../dispatch/workers.js'
import type { Projector } from '../projections/projector.js'
import type { DomainFeed } from '../publishers/feed.js'
import { fastMessages, recordedMessages } from '../publishers/message.js'
import type { Publisher } from '../publishers/publisher.js'
import type { EngineMetrics } from '../telemetry/metrics.js'
import { isWakeUp, type TimerWindow } from '../timers/timer-window.js'
import { countLetters } from './letter-metrics.js'
import { countEvent } from './event-metrics.js'
import { firstNews, tellNews } from './journal-news.js'
import type { Children } from './children/children.js'
import { type Followers, hasOutcome } from './followers.js'
import type { StreamCache } from './stream-cache.js'
import type { TaskCommit, TaskStream } from './task-stream.js'

export interface DeliveryTargets {
  readonly workers: Workers
  /** A step waits for a worker or a key. */
  readonly ready: (row: ReadyRow) => void
  /** Places of keys that the task does not need any more are given back. */
  readonly keysOf: (taskId: TaskId, state: LiveTask) => void
  readonly timers: TimerWindow
  readonly followers: Followers
  readonly projector: Projector
  readonly cache: StreamCache
  readonly metrics: EngineMetrics
  readonly publisher: Publisher | undefined
  readonly domainEvents: DomainFeed
  readonly children: Pick<Children, 'committed'>
  /** A start that found its worker gone, or taking no more. */
  readonly undeliverable: (lease: Lease, reason: string) => void
}

export const deliver = (commit: TaskCommit, seq: number, targets: DeliveryTargets): void => {
  const { stream, state, archived } = commit
  if (archived !== undefined) return deliverArchived(commit, archived, seq, targets)
  project(commit, seq, targets)
  for (const lease of commit.takenAway) takeAway(lease, state, targets)
  for (const lease of commit.started) sendCommand(lease, state, targets)
  for (const event of commit.events) {
    countEvent(event, targets.metrics)
    deliverEvent(event, stream, state, targets)
  }
  if (state.journal !== undefined) tellRun(commit, state.journal, targets)
  if (state.journal !== undefined || state.submitted.parent !== undefined || state.plan.delegates)
    targets.children.committed(commit)
  if (state.plan.keyed) targets.keysOf(stream.taskId, state)
  if (state.plan.publishes) tellOutside(commit, seq, targets)
  countLetters(commit, targets.metrics)
  enqueue(commit, targets)
  if (targets.followers.listening(stream.taskId)) targets.followers.events(stream.taskId, recordedEvents(commit))
  if (restsLong(commit)) targets.cache.rested(stream)
  if (hasOutcome(state)) {
    targets.followers.settled(stream.taskId, state)
    if (state.endedAt !== undefined) targets.cache.ended(stream)
  }
}

/** A function that is due soon stays in memory as others do. */
const RESTS_LONG_MS = durationMs(60_000)

const restsLong = ({ stream, state: { journal }, events, at }: TaskCommit): boolean => {
  if (journal === undefined || stream.lastPending !== undefined || !events.some(({ type }) => type === 'step.suspended'))
    return false
  const dueAt = nextDueAt(journal)
  return dueAt === undefined || dueAt > later(at, RESTS_LONG_MS)
}

/** Nothing of the task is left to serve: its rows go, and what memory holds of it. */
const deliverArchived = (commit: TaskCommit, task: ArchivedTask, seq: number, targets: DeliveryTargets): void => {
  const { stream, at, events } = commit
  const { partition, taskId } = stream
  const removed = { taskId, identity: task.archived.identity }
  targets.projector.add({ partition, seq, at, task: undefined, identity: undefined, activity: [], removed })
  for (const event of events) countEvent(event, targets.metrics)
  if (targets.followers.listening(taskId)) targets.followers.events(taskId, recordedEvents(commit))
  targets.cache.drop(stream)
}

const project = (commit: TaskCommit, seq: number, { projector }: DeliveryTargets): void => {
  const { stream, state, version } = commit
  projector.add({
    partition: stream.partition,
    seq,
    at: commit.at,
    task: { taskId: stream.taskId, state, version, hash: commit.draft.hash, stream },
    identity: commit.identity,
    activity: activityRows(commit.events, commit.at, state),
  })
}

/** The domain events of a commit: those in the log go to the publisher by their place, the others to whoever listens. */
const tellOutside = (commit: TaskCommit, seq: number, { publisher, domainEvents }: DeliveryTargets): void => {
  const { stream, events, fast, at, draft } = commit
  const isRecorded = events.some(({ type }) => type === 'domain_event.recorded')
  if (isRecorded) publisher?.committed(stream.partition, seq, at)
  if (!isRecorded && fast.length === 0) return
  const source = { taskId: stream.taskId, namespace: draft.namespace, at, firstVersion: draft.firstVersion }
  const live = recordedMessages(events, source).filter(({ delivery }) => delivery === 'broadcast')
  domainEvents.committed(isRecorded ? stream.partition : undefined, [...live, ...fastMessages(fast, events, source)])
}

/** The worker hears that the attempt is over, and its slot is free for what is sent after that (W3). */
const takeAway = (lease: Lease, state: LiveTask, { workers }: DeliveryTargets): void => {
  if (state.journal !== undefined && lease.step === RUN_STEP) tellNews(lease, state.journal, workers, { pause: 'taken_away' })
  else if (!lease.cancelRequested) workers.abort(lease.worker, lease)
  if (workers.lease(lease) === lease) workers.end(lease)
}

/** W7: the start is durable, the command may leave. */
const sendCommand = (lease: Lease, task: LiveTask, targets: DeliveryTargets): void => {
  const { worker } = lease
  if (targets.workers.lease(lease) !== lease) return
  if (worker.port === undefined) return targets.undeliverable(lease, 'the worker was gone before the command left')
  // W11
  if (worker.state === 'draining') return targets.undeliverable(lease, 'the worker drained before the command left')
  lease.sent = true
  const stepIndex = task.graph.indexOf.get(lease.step) ?? -1
  const { taskId, step, attempt } = lease
  const command = { taskId, step, attempt, task, stepIndex, deadlineAt: lease.timeout.dueAt }
  const journal = firstNews(lease, task, targets.workers)
  if (journal === undefined) worker.port.command(command)
  else {
    const [run, ...news] = journal
    worker.port.command({ ...command, run })
    for (const one of news) worker.port.news(one)
  }
  if (lease.cancelRequested) targets.workers.cancel(lease)
  targets.workers.flushSoon(worker.port)
}

/** What comes from outside is told whoever runs the function; what it handed in itself is told with its answer. Its next timer is armed. */
const tellRun = ({ stream, state, cause, events }: TaskCommit, journal: FunctionJournal, targets: DeliveryTargets): void => {
  const { workers } = targets
  const isTimed = mayBeTimed(state) && events.some(({ type }) => type === 'step.scheduled')
  if (isTimed || events.some(({ type }) => type.startsWith('timer.'))) armTimers(stream.taskId, state, targets)
  if (cause.command === RECORD) return
  const attempt = state.steps[0]?.attempts ?? 0
  const lease = workers.lease({ taskId: stream.taskId, step: RUN_STEP, attempt })
  if (lease !== undefined) tellNews(lease, journal, workers)
}

/** What a run hands in. */
const RECORD = 'record'

const deliverEvent = (event: TaskEvent, stream: TaskStream, state: LiveTask, targets: DeliveryTargets): void => {
  switch (event.type) {
    case 'step.retry_scheduled':
      armTimers(stream.taskId, state, targets)
      break
    case 'task.submitted':
      if (event.runAt !== undefined) armTimers(stream.taskId, state, targets)
      break
    case 'task.cancel_requested':
      // A function sees it in its journal.
      if (state.journal === undefined) cancelRunning(stream.taskId, state, targets)
      armTimers(stream.taskId, state, targets)
      break
    case 'task.resumed':
      for (const row of readyRows(stream.taskId, state)) targets.ready(row)
      armTimers(stream.taskId, state, targets)
      break
    // No lease keeps the time of a step that runs a child.
    case 'step.started':
      if (state.plan.delegates) armTimers(stream.taskId, state, targets)
      break
    case 'step.scheduled':
      if (state.plan.timed) armTimers(stream.taskId, state, targets)
      break
    // The times of calls are armed once a commit.
    case 'steps.created':
    case 'step.admitted':
    case 'step.released':
    case 'step.checkpointed':
    case 'step.completed':
    case 'step.failed':
    case 'step.timed_out':
    case 'step.cancelled':
    case 'step.skipped':
    case 'step.result_ignored':
    case 'domain_event.recorded':
    case 'task.blocked':
    case 'task.went_stale':
    case 'task.dead_lettered':
    case 'task.dead_letter_updated':
    case 'task.completed':
    case 'task.cancelled':
    case 'task.failed':
    case 'task.paused':
    case 'task.retried':
    case 'task.resolved_manually':
    case 'step.reset_for_retry':
    case 'step.resolved_manually':
    case 'step.completed_manually':
    case 'compensation.started':
    case 'compensation.completed':
    case 'compensation.failed':
    case 'task.archived':
    case 'step.suspended':
    case 'effect.recorded':
    case 'signal.received':
    case 'update.received':
    case 'update.answered':
    case 'function.diverged':
    // Of all timers of a function one wake-up is armed, once a commit.
    case 'timer.started':
    case 'timer.fired':
    case 'timer.cancelled':
    case 'function.continued':
    case 'child.started':
    case 'child.ended':
      break
    default:
      unreachable(event)
  }
}

/** W10: whoever runs a step of the task is asked to stop. */
const cancelRunning = (taskId: TaskId, state: LiveTask, { workers }: DeliveryTargets): void => {
  for (const [index, step] of state.steps.entries()) {
    if (step.status !== 'in_progress') continue
    const lease = workers.lease({ taskId, step: stepName(state, index), attempt: step.attempts })
    if (lease !== undefined) workers.cancel(lease)
  }
}

/** The steps that this commit made ready wait for a worker, unless it started them too. */
const enqueue = ({ stream, state, events }: TaskCommit, { ready }: DeliveryTargets): void => {
  let waiting: Set<StepId> | undefined
  for (const event of events) {
    // It ends the pause of a function that was woken before.
    if (event.type === 'task.cancel_requested' && state.journal !== undefined) (waiting ??= new Set()).add(RUN_STEP)
    if (event.type !== 'step.scheduled' && event.type !== 'step.admitted') continue
    if (state.steps[state.graph.indexOf.get(event.step) ?? -1]?.status === 'enqueued') (waiting ??= new Set()).add(event.step)
  }
  if (waiting === undefined) return
  for (const row of readyRows(stream.taskId, state)) if (waiting.has(row.step)) ready(row)
}

const armTimers = (taskId: TaskId, state: LiveTask, { timers }: DeliveryTargets): void => {
  for (const row of timerRows(taskId, state)) if (isWakeUp(row)) timers.add(row)
}

const stepName = (state: LiveTask, index: number): StepId => elementAt(state.graph.steps, index, 'a step').name

const recordedEvents = (commit: TaskCommit): readonly RecordedTaskEvent[] =>
  commit.events.map((event, index) => ({
    version: versionNumber(commit.draft.firstVersion + index),
    at: commit.at,
    event,
    cause: commit.cause,
  }))
