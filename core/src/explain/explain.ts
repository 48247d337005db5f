/** Explain: why each step that is not running is not, and what would make it go on. */
import { instantText, type Instant } from '../kernel/instant.js'
import { elementAt, unreachable } from '../kernel/invariant.js'
import type { HandlerName, StepId } from '../kernel/ids.js'
import { keyGate } from '../key/gate.js'
import { queueHandler } from '../projections/ready-step.js'
import { isLeft, isTakingBack, undoStateOf } from '../task/compensation.js'
import type { LiveTask, StepStatus } from '../task/state.js'
import { taskStatus, type TaskStatus } from '../task/status.js'
import { batchOf, goesOnWithout, letsOthersGoOn } from '../task/step-groups.js'
import { laterSteps } from './later-steps.js'

export const WAIT_REASONS = [
  'start_time',
  'dependencies',
  'decision',
  'batch_room',
  'condition',
  'paused',
  'key',
  'worker',
  'retry_time',
  'failed',
  'compensation',
] as const

/** What a step waits for, for programs. */
export type WaitReason = (typeof WAIT_REASONS)[number]

export interface StepExplanation {
  readonly step: StepId
  readonly status: StepStatus
  readonly reason: WaitReason
  /** One sentence for people. */
  readonly why: string
  /** What would make it go on. */
  readonly unblockedBy: string
  /** The steps it waits for, where it waits for steps. */
  readonly waitsFor: readonly StepId[]
}

export interface TaskExplanation {
  readonly status: TaskStatus
  /** Steps that run, are done or were never asked for are not among them. */
  readonly steps: readonly StepExplanation[]
}

/** What the task itself does not know. */
export interface Surroundings {
  /** Since when no worker has served the queue of a handler; undefined when one does. */
  readonly unservedSince: (handler: HandlerName) => Instant | undefined
  /** How a step stands that waits for a key. */
  readonly keyLine: (step: StepId) => { readonly held: number; readonly ahead: number | undefined } | undefined
}

export const explainTask = (task: LiveTask, around: Surroundings): TaskExplanation => ({
  status: taskStatus(task),
  steps: task.steps.flatMap(({ status }, index) => {
    const told = explainStep(task, index, around)
    return told === undefined ? [] : [{ step: nameAt(task, index), status, waitsFor: [], ...told }]
  }),
})

type Told = Pick<StepExplanation, 'reason' | 'why' | 'unblockedBy'> & Partial<Pick<StepExplanation, 'waitsFor'>>

const explainStep = (task: LiveTask, index: number, around: Surroundings): Told | undefined => {
  const step = elementAt(task.steps, index, 'steps')
  switch (step.status) {
    case 'pending':
      return explainPending(task, index)
    case 'uncreated':
      return task.endedAt === undefined ? BEHIND_DECISION : undefined
    case 'enqueued':
      return explainReady(task, index, around)
    case 'waiting_for_retry':
      return {
        reason: 'retry_time',
        why: `Its last attempt failed: ${failureOf(task, index)}`,
        unblockedBy: `Time: the next attempt may start at ${instantText(step.dueAt)}.`,
      }
    case 'skipped':
      return {
        reason: 'condition',
        why: `Its condition is false: ${elementAt(task.graph.steps, index, 'steps of the graph').when?.text ?? ''}`,
        unblockedBy: 'Nothing: a condition is asked once, and whatever depends on the step goes on.',
      }
    case 'error':
      return explainFailed(task, index)
    case 'complete':
      return explainUndo(task, index)
    case 'in_progress':
    case 'cancelled':
    case 'resolved_manually':
    case 'compensated':
    case 'not_taken':
      return undefined
    default:
      return unreachable(step)
  }
}

const BEHIND_DECISION: Told = {
  reason: 'decision',
  why: 'It stands behind a decision, or the analyzer of a batch, that has not ended yet.',
  unblockedBy: 'An outcome that creates it.',
}

const explainPending = (task: LiveTask, index: number): Told => {
  const { runAt } = task.submitted
  if (task.phase === 'waiting' && runAt !== undefined)
    return { reason: 'start_time', why: 'The task waits for its start time.', unblockedBy: `Time: ${instantText(runAt)}.` }
  const open = elementAt(task.graph.dependencies, index, 'dependencies').filter((before) => !letsOthersGoOn(task, before))
  if (open.length === 0 && batchOf(task, index) !== undefined)
    return {
      reason: 'batch_room',
      why: 'As many workers of its batch as may are at work.',
      unblockedBy: 'The end of one of them.',
    }
  const { join } = elementAt(task.graph.steps, index, 'steps of the graph')
  const waitsFor = open.map((before) => nameAt(task, before))
  const failed = open.filter((before) => elementAt(task.steps, before, 'steps').status === 'error')
  return {
    reason: 'dependencies',
    why:
      join === 'all'
        ? `It waits for ${waitsFor.join(', ')}.`
        : `It waits until ${join} of its dependencies are satisfied; not satisfied are ${waitsFor.join(', ')}.`,
    unblockedBy:
      failed.length === 0
        ? 'Their end.'
        : `A person: ${failed.map((before) => nameAt(task, before)).join(', ')} failed for good; reset, resolve or complete by hand.`,
    waitsFor,
  }
}

const explainReady = (task: LiveTask, index: number, around: Surroundings): Told => {
  if (task.pace.type === 'paused')
    return {
      reason: 'paused',
      why: `The task is paused since ${instantText(task.pace.since)}${task.pace.reason === undefined ? '.' : `: ${task.pace.reason}`}`,
      unblockedBy: 'A resume of the task.',
    }
  const gate = keyGate(task, index)
  if (gate !== undefined) {
    const line = around.keyLine(nameAt(task, index))
    const places = line === undefined ? '' : `; ${line.held} are taken`
    const before = line?.ahead === undefined ? '' : `, and ${line.ahead} go before it`
    return {
      reason: 'key',
      why: `It waits for a place of the ${gate.kind} key ${gate.key}, which has ${gate.limit}${places}${before}.`,
      unblockedBy: 'A place that becomes free.',
    }
  }
  const handler = queueHandler(task, index)
  const since = around.unservedSince(handler)
  return {
    reason: 'worker',
    why:
      since === undefined
        ? 'It is ready, and no worker has taken it yet.'
        : `It is ready, and no connected worker has offered ${handler} since ${instantText(since)}.`,
    unblockedBy: `A worker with a free slot that offers ${handler}.`,
  }
}

const explainFailed = (task: LiveTask, index: number): Told | undefined => {
  if (task.endedAt !== undefined) return undefined
  if (isTakingBack(task, index))
    return {
      reason: 'failed',
      why: `Its way back failed for good: ${failureOf(task, index)}`,
      unblockedBy: 'A person: reset, resolve or complete by hand. Steps it built on are taken back after it.',
    }
  if (task.compensation === undefined && goesOnWithout(task, index)) return undefined
  return {
    reason: 'failed',
    why: `It failed for good: ${failureOf(task, index)}`,
    unblockedBy:
      task.compensation === undefined
        ? 'A person: reset, resolve or complete by hand. Steps that do not depend on it go on.'
        : 'Nothing: the work of the task is taken back.',
  }
}

/** A complete step has something to wait for only where it is to be taken back. */
const explainUndo = (task: LiveTask, index: number): Told | undefined => {
  if (task.endedAt !== undefined || task.compensation === undefined || undoStateOf(task, index) !== 'to_do') return undefined
  const waitsFor = laterSteps(task, index).flatMap((later) => (isLeft(undoStateOf(task, later)) ? [nameAt(task, later)] : []))
  return {
    reason: 'compensation',
    why: `It is taken back after ${waitsFor.join(', ')}.`,
    unblockedBy: 'The end of their ways back.',
    waitsFor,
  }
}

const failureOf = (task: LiveTask, index: number): string =>
  elementAt(task.steps, index, 'steps').lastFailure?.message ?? 'nobody said why'

const nameAt = (task: LiveTask, index: number): StepId => elementAt(task.graph.steps, index, 'steps of the graph').name
