/**
 * Time out: one of a step's times is over. An attempt that ran too long, or was silent too long, is followed by another as the policy
 * says; a step that waited too long for a worker, or took too long in all, has failed for good.
 */
import type { Decision } from '../../kernel/decider.js'
import type { DurationMs, Instant } from '../../kernel/instant.js'
import { elementAt, unreachable } from '../../kernel/invariant.js'
import type { TimeOutStep } from '../commands.js'
import { runOf, type StepRun } from '../compensation.js'
import type { StepTimedOut, TaskEvent } from '../events.js'
import { timeoutFailure } from '../failure.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask, StepState } from '../state.js'
import { isOpen } from '../step-groups.js'
import { decideFailure } from './after-failure.js'
import { isOut, leaseLost, unknownStep } from './attempt.js'
import { draftOf } from './draft.js'
import { settle } from './settle.js'

export const decideTimeOut = (task: LiveTask, command: TimeOutStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  const over = overAt(step, runOf(task, index), command)
  if (over === undefined) return leaseLost(command, 'that time of it does not run')
  if (command.at < over.at || (waits(command) && task.pace.type === 'paused')) {
    return refuse('NOT_DUE', `Attempt ${command.attempt} of step ${command.step} has time left.`, command.step)
  }
  const { timeoutMs } = over
  const event = (permanent: boolean): StepTimedOut => ({
    type: 'step.timed_out',
    kind: command.kind,
    step: command.step,
    attempt: step.attempts,
    timeoutMs,
    permanent,
  })
  if (step.status === 'in_progress') {
    const failure = timeoutFailure(command.kind, timeoutMs)
    return decideFailure(task, { index, step, failure, at: command.at, draw: command.draw }, event)
  }
  const draft = draftOf(task, command.at)
  draft.add(event(true))
  settle(draft, [index])
  return { type: 'accepted', events: draft.events }
}

/** Times that stand still while a task is paused. */
const waits = ({ kind }: TimeOutStep): boolean => kind === 'schedule_to_start' || kind === 'schedule_to_close'

/** When the time is over; undefined when it does not run. The log knows no signs of life: whoever counts them says when there were none. */
const overAt = (
  step: StepState,
  run: StepRun,
  { kind, attempt, at }: TimeOutStep,
): { readonly at: Instant; readonly timeoutMs: DurationMs } | undefined => {
  switch (kind) {
    case 'start_to_close':
      return isOut(step, attempt) ? { at: step.deadlineAt, timeoutMs: run.timeoutMs } : undefined
    case 'heartbeat':
      return isOut(step, attempt) && run.heartbeatMs !== undefined ? { at, timeoutMs: run.heartbeatMs } : undefined
    case 'schedule_to_start':
      if (step.status !== 'enqueued' || step.attempts !== attempt) return undefined
      return known(step.startBy, run.scheduleToStartMs)
    case 'schedule_to_close':
      return isOpen(step.status) && step.status !== 'pending' ? known(step.closeBy, run.scheduleToCloseMs) : undefined
    default:
      return unreachable(kind)
  }
}

const known = (at: Instant | undefined, timeoutMs: DurationMs | undefined) =>
  at === undefined || timeoutMs === undefined ? undefined : { at, timeoutMs }
