/** Explain: why each step that is not running is not, and what would make it go on. */
import { instantText, type Instant } from '../kernel/instant.js'
import { elementAt, unreachable } from '../kernel/invariant.js'
import type { HandlerName, StepId, TaskId } from '../kernel/ids.js'
import { keyGate } from '../key/gate.js'
import type { KeyGate } from '../key/key.js'
import { queueHandler } from '../projections/ready-step.js'
import { isLeft, isTakingBack, undoStateOf } from '../task/compensation.js'
import type { LiveTask, StepStatus } from '../task/state.js'
import { taskStatus, type TaskStatus } from '../task/status.js'
import { batchOf, goesOnWithout, letsOthersGoOn } from '../task/step-groups.js'
import { type ChainLink, chainOf } from './chain.js'
import { laterSteps } from './later-steps.js'
import { failureOf, nameAt, pausedText, type Told, type WaitReason } from './told.js'
import { explainWhole } from './whole.js'

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
  /** Why those it waits for have not ended, and what they wait for, down to the steps that wait for nothing but the world; nearest first. */
  readonly chain: readonly ChainLink[]
  /** There are more than `LIMITS.explainedLinksMax`. */
  readonly chainIsCut: boolean
}

export interface TaskExplanation {
  readonly status: TaskStatus
  /** What holds for the task as a whole; undefined when nothing does. */
  readonly why: string | undefined
  /** Steps that run, are done or were never asked for are not among them. */
  readonly steps: readonly StepExplanation[]
}

/** What the task itself does not know. */
export interface Surroundings {
  /** Since when no worker has served the queue of a handler; undefined when one does. */
  readonly unservedSince: (handler: HandlerName) => Instant | undefined
  /** The workers that offer a handler now: how many, and how many of their slots are taken; undefined when that is not known. */
  readonly serving: (
    handler: HandlerName,
  ) => { readonly workers: number; readonly slots: number; readonly busy: number } | undefined
  /** How a step stands that waits for a key. */
  readonly keyLine: (step: StepId) => KeyStanding | undefined
}

/** What is known of the key that a step waits for. */
export interface KeyStanding {
  /** Places that are taken. */
  readonly held: number
  /** Who goes before the step; undefined when so many wait that nobody knows. */
  readonly ahead: number | undefined
  /** Some of those that have a place. */
  readonly holders: readonly { readonly taskId: TaskId; readonly step: StepId; readonly attempt: number }[]
  /** When the next place of a rate is free; undefined where only the end of an attempt frees one. */
  readonly freeAt: Instant | undefined
}

export const explainTask = (task: LiveTask, around: Surroundings): TaskExplanation => {
  const told = task.steps.map((_, index) => explainStep(task, index, around))
  return {
    status: taskStatus(task),
    why: explainWhole(task),
    steps: told.flatMap((own, index) => {
      if (own === undefined) return []
      const step = { step: nameAt(task, index), status: elementAt(task.steps, index, 'steps').status }
      return [{ ...step, waitsFor: [], ...own, ...chainOf(task, index, told) }]
    }),
  }
}

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
        unblockedBy: `Time: attempt ${step.attempts} may start at ${instantText(step.dueAt)}.`,
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
  const stands = open.map((before) => `${nameAt(task, before)} (${elementAt(task.steps, before, 'steps').status})`).join(', ')
  return {
    reason: 'dependencies',
    why:
      join === 'all'
        ? `It waits for ${stands}.`
        : `It waits until ${join} of its dependencies are satisfied; not satisfied are ${stands}.`,
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
      why: pausedText(task.pace),
      unblockedBy: 'A person: `tasker task resume`.',
    }
  const gate = keyGate(task, index)
  if (gate !== undefined) return explainGate(gate, around.keyLine(nameAt(task, index)))
  const handler = queueHandler(task, index)
  return {
    reason: 'worker',
    why: workerText(handler, around),
    unblockedBy: `A worker with a free slot that offers ${handler}.`,
  }
}

const explainGate = (gate: KeyGate, line: KeyStanding | undefined): Told => {
  const places = line === undefined ? '' : `; ${line.held} are taken${holdersText(line)}`
  const before = line?.ahead === undefined ? '' : `, and ${line.ahead} go before it`
  return {
    reason: 'key',
    why: `It waits for a place of the ${gate.kind} key ${gate.key}, which has ${gate.limit}${places}${before}.`,
    unblockedBy:
      line?.freeAt === undefined ? 'A place that becomes free.' : `Time: the next place is free at ${instantText(line.freeAt)}.`,
  }
}

const HOLDERS_NAMED_MAX = 3

const holdersText = ({ held, holders }: KeyStanding): string => {
  const named = holders.slice(0, HOLDERS_NAMED_MAX).map(({ taskId, step }) => `${step} of task ${taskId}`)
  if (named.length === 0) return ''
  const more = held > named.length ? ` and ${held - named.length} more` : ''
  return ` by ${named.join(', ')}${more}`
}

const workerText = (handler: HandlerName, around: Surroundings): string => {
  const since = around.unservedSince(handler)
  if (since !== undefined) return `It is ready, and no connected worker has offered ${handler} since ${instantText(since)}.`
  const serving = around.serving(handler)
  if (serving === undefined || serving.workers === 0 || serving.busy < serving.slots)
    return 'It is ready, and no worker has taken it yet.'
  const workers = serving.workers === 1 ? 'the only worker that offers' : `the ${serving.workers} workers that offer`
  return `It is ready, and ${workers} ${handler} ${serving.workers === 1 ? 'has' : 'have'} no free slot: ${serving.busy} of ${serving.slots} are taken.`
}

const BY_HAND = 'A person: `tasker step reset`, `tasker step resolve` or `tasker step complete`.'

const explainFailed = (task: LiveTask, index: number): Told | undefined => {
  if (task.endedAt !== undefined) return undefined
  if (isTakingBack(task, index))
    return {
      reason: 'failed',
      why: `Its way back failed for good: ${failureOf(task, index)}`,
      unblockedBy: `${BY_HAND} Steps it built on are taken back after it.`,
    }
  if (task.compensation === undefined && goesOnWithout(task, index)) return undefined
  return {
    reason: 'failed',
    why: `It failed for good: ${failureOf(task, index)}`,
    unblockedBy:
      task.compensation === undefined
        ? `${BY_HAND} Steps that do not depend on it go on.`
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
