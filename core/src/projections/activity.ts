/**
 * What happened in an hour: how often tasks of a template and each of its steps ended, how, and how long they took.
 *
 * An hour's row is a sum, so each event is counted once: by the commit that is projected with its checkpoint. Durations come from any state of the
 * task that holds the event, because the instants they start from never change once they are there.
 */
import { instant, type Instant } from '../kernel/instant.js'
import { elementAt } from '../kernel/invariant.js'
import type { Namespace, StepId } from '../kernel/ids.js'
import { TERMINAL_EVENTS, type TaskEvent, type TaskEventType } from '../task/events.js'
import type { LiveTask } from '../task/state.js'

export interface ActivityRow {
  /** When the hour began. */
  readonly hour: Instant
  readonly namespace: Namespace
  readonly name: string
  readonly version: string
  /** Undefined in the row of the tasks themselves. */
  readonly step: StepId | undefined
  /** Tasks that were submitted; 0 in rows of steps. */
  readonly submitted: number
  readonly completed: number
  /** Ended without success. */
  readonly failed: number
  readonly cancelled: number
  /** Failed attempts that another followed; 0 in rows of tasks. */
  readonly retried: number
  /** Steps that the ended tasks had; 0 in rows of steps. */
  readonly steps: number
  /** From the submission, or the first start, to the end; of what completed or failed. */
  readonly durationMsSum: number
  readonly durationMsMax: number
  /** 0 when nothing ended yet. */
  readonly lastEndedAt: Instant
}

const HOUR_MS = 3_600_000

/** What the events of one commit add. `task` is the task after that commit, or later. */
export const activityRows = (events: readonly TaskEvent[], at: Instant, task: LiveTask): readonly ActivityRow[] => {
  const rows: ActivityRow[] = []
  for (const event of events) {
    const row = activityOf(event, at, task)
    if (row !== undefined) rows.push(row)
  }
  return rows
}

/** Rows with the same key are of the same hour and subject. */
export const activityKey = ({ hour, namespace, name, version, step }: ActivityRow): string =>
  `${hour}/${namespace}/${name}/${version}/${step ?? ''}`

export const addedActivity = (a: ActivityRow, b: ActivityRow): ActivityRow => ({
  hour: a.hour,
  namespace: a.namespace,
  name: a.name,
  version: a.version,
  step: a.step,
  submitted: a.submitted + b.submitted,
  completed: a.completed + b.completed,
  failed: a.failed + b.failed,
  cancelled: a.cancelled + b.cancelled,
  retried: a.retried + b.retried,
  steps: a.steps + b.steps,
  durationMsSum: a.durationMsSum + b.durationMsSum,
  durationMsMax: Math.max(a.durationMsMax, b.durationMsMax),
  lastEndedAt: instant(Math.max(a.lastEndedAt, b.lastEndedAt)),
})

const activityOf = (event: TaskEvent, at: Instant, task: LiveTask): ActivityRow | undefined => {
  if (event.type === 'task.submitted') return { ...nothing(at, task, undefined), submitted: 1 }
  if (event.type === 'step.completed') return stepEnded(event.step, 'completed', at, task)
  if (event.type === 'step.failed' || event.type === 'step.timed_out') {
    return event.permanent ? stepEnded(event.step, 'failed', at, task) : { ...nothing(at, task, event.step), retried: 1 }
  }
  const end = endOf(event.type)
  return end === undefined ? undefined : taskEnded(end, at, task)
}

type End = 'completed' | 'failed' | 'cancelled'

const endOf = (type: TaskEventType): End | undefined => {
  if (!TERMINAL_EVENTS.has(type)) return undefined
  if (type === 'task.completed') return 'completed'
  // What a person closed says no more of how tasks do than what was cancelled.
  return type === 'task.failed' ? 'failed' : 'cancelled'
}

const stepEnded = (step: StepId, end: End, at: Instant, task: LiveTask): ActivityRow => {
  const index = task.graph.indexOf.get(step) ?? -1
  const startedAt = elementAt(task.steps, index, 'the step of an event').firstStartedAt ?? at
  return ended(nothing(at, task, step), end, at, at - startedAt)
}

const taskEnded = (end: End, at: Instant, task: LiveTask): ActivityRow => ({
  ...ended(nothing(at, task, undefined), end, at, at - task.submittedAt),
  steps: task.steps.length,
})

/** What was cancelled says nothing of how long things take. */
const ended = (row: ActivityRow, end: End, at: Instant, tookMs: number): ActivityRow => ({
  ...row,
  [end]: 1,
  durationMsSum: end === 'cancelled' ? 0 : tookMs,
  durationMsMax: end === 'cancelled' ? 0 : tookMs,
  lastEndedAt: at,
})

const nothing = (at: Instant, { submitted: { namespace, name, version } }: LiveTask, step: StepId | undefined): ActivityRow => ({
  hour: instant(at - (at % HOUR_MS)),
  namespace,
  name,
  version,
  step,
  submitted: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  retried: 0,
  steps: 0,
  durationMsSum: 0,
  durationMsMax: 0,
  lastEndedAt: instant(0),
})
