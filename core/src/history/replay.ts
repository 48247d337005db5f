/** Replay: what each event of a task changed, with what was there before, so that it can be read forward and back. */
import type { Instant } from '../kernel/instant.js'
import { elementAt } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import { type Shown, shownText } from '../kernel/shown.js'
import { LIMITS } from '../limits.js'
import { outputOf } from '../task/compensation.js'
import type { TaskEvent } from '../task/events.js'
import type { RecordedTaskEvent } from '../task/recorded.js'
import type { LiveTask, StepStatus, TaskState } from '../task/state.js'
import { taskStatus, type TaskStatus } from '../task/status.js'
import { changedSteps } from './changed-steps.js'

/** How a step stands in a replay. */
export interface StepStand {
  readonly status: StepStatus
  readonly attempts: number
  readonly output: Shown | undefined
}

export interface StepChange {
  readonly step: StepId
  /** Undefined for a step that the event created. */
  readonly from: StepStand | undefined
  readonly to: StepStand
}

export interface ReplayFrame {
  readonly version: number
  readonly at: Instant
  readonly type: TaskEvent['type']
  readonly actor: string
  /** Undefined before the first event. */
  readonly statusBefore: TaskStatus | undefined
  readonly status: TaskStatus
  /** Steps whose status, attempts or output the event changed, in the order of the graph. */
  readonly changes: readonly StepChange[]
}

/** `before` and `after` are the task around the event. */
export const replayFrame = (
  before: TaskState,
  { version, at, event, cause }: RecordedTaskEvent,
  after: LiveTask,
): ReplayFrame => ({
  version,
  at,
  type: event.type,
  actor: cause.actor,
  statusBefore: before.type === 'task' ? taskStatus(before) : undefined,
  status: taskStatus(after),
  changes: changedSteps(before, event, after).flatMap((index) => changeOf(before, after, index)),
})

const changeOf = (before: TaskState, after: LiveTask, index: number): readonly StepChange[] => {
  const old = before.type === 'task' && index < before.steps.length ? before : undefined
  const [from, to] = [old && elementAt(old.steps, index, 'steps'), elementAt(after.steps, index, 'steps')]
  const [outputBefore, outputAfter] = [old && outputOf(old, index), outputOf(after, index)]
  if (from?.status === to.status && from.attempts === to.attempts && outputBefore === outputAfter) return []
  return [
    {
      step: elementAt(after.graph.steps, index, 'steps of the graph').name,
      from: from && { status: from.status, attempts: from.attempts, output: shownOutput(outputBefore) },
      to: { status: to.status, attempts: to.attempts, output: shownOutput(outputAfter) },
    },
  ]
}

const shownOutput = (output: JsonText | undefined): Shown | undefined =>
  output === undefined ? undefined : shownText(output, LIMITS.shownValueCharsMax)
