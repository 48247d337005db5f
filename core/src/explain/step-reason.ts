/** Why one step does not run: the rules that decide are asked, each by its own function, and what they say is put into words. */
import { instantText, type Instant } from '../kernel/instant.js'
import { elementAt, unreachable } from '../kernel/invariant.js'
import type { StepId, TaskId } from '../kernel/ids.js'
import { shownValue } from '../kernel/shown.js'
import { valuesRead } from '../expression/reads.js'
import { readinessOf } from '../graph/readiness.js'
import { keyGate } from '../key/gate.js'
import type { KeyGate } from '../key/key.js'
import { LIMITS } from '../limits.js'
import { queueHandler } from '../projections/ready-step.js'
import { attemptsAllowed } from '../retry/allowed.js'
import { isLeft, isTakingBack, runOf, undoStateOf } from '../task/compensation.js'
import { expressionRoots } from '../task/expression-roots.js'
import { childOfStep } from '../task/function-step.js'
import type { LiveTask, StepWaitingForRetry } from '../task/state.js'
import { isSuspended } from '../task/suspended.js'
import { batchOf, goesOnWithout, isOpen, letsOthersGoOn } from '../task/step-groups.js'
import { laterSteps } from './later-steps.js'
import { suspendedReason } from './suspended-reason.js'
import type { ConditionInput, KeyPlaceHolder, Surroundings, Told } from './reasons.js'

/** Undefined for a step that runs, is done, or was never asked for. Without surroundings as of a moment of the past. */
export const stepReason = (task: LiveTask, index: number, around: Surroundings | undefined): Told | undefined => {
  const step = elementAt(task.steps, index, 'steps')
  switch (step.status) {
    case 'pending':
      return pending(task, index)
    case 'uncreated':
      return task.endedAt === undefined && task.cancel === undefined ? behindDecision(task, index) : undefined
    case 'enqueued':
      return ready(task, index, around)
    case 'waiting_for_retry':
      return waitsForRetry(task, index, step)
    case 'skipped':
      return skipped(task, index)
    case 'error':
      return failed(task, index)
    case 'complete':
      return toBeTakenBack(task, index)
    case 'in_progress':
      return waitsForChild(childOfStep(step))
    case 'cancelled':
    case 'resolved_manually':
    case 'compensated':
    case 'not_taken':
      return undefined
    default:
      return unreachable(step)
  }
}

/** It runs, but no worker has it. */
const waitsForChild = (child: TaskId | undefined): Told | undefined =>
  child === undefined
    ? undefined
    : {
        reason: 'child',
        why: `Its work is task ${child}, which is not over.`,
        unblockedBy: 'The end of that task. If it is blocked, it waits for a person itself.',
      }

const openDependencies = (task: LiveTask, index: number): readonly number[] =>
  elementAt(task.graph.dependencies, index, 'dependencies').filter((before) => !letsOthersGoOn(task, before))

const behindDecision = (task: LiveTask, index: number): Told => ({
  reason: 'decision',
  why: 'It stands behind a decision, or the analyzer of a batch, that has not ended yet.',
  unblockedBy: 'An outcome that creates it.',
  waitsFor: openDependencies(task, index).map((before) => nameAt(task, before)),
})

const pending = (task: LiveTask, index: number): Told => {
  if (isSuspended(task)) return suspendedReason(task)
  const { runAt } = task.submitted
  if (task.phase === 'waiting' && runAt !== undefined) {
    return {
      reason: 'start_time',
      why: 'The task waits for its start time.',
      unblockedBy: `Time: ${instantText(runAt)}.`,
      until: runAt,
    }
  }
  const open = openDependencies(task, index)
  if (readinessOf(task, index) === 'ready' && batchOf(task, index) !== undefined) return noRoom(task, index)
  const waitsFor = open.map((before) => nameAt(task, before))
  const broken = open.filter((before) => elementAt(task.steps, before, 'steps').status === 'error')
  return {
    reason: 'dependencies',
    why: dependenciesText(task, index, waitsFor),
    unblockedBy:
      broken.length === 0
        ? 'Their end.'
        : `A person: ${broken.map((before) => nameAt(task, before)).join(', ')} failed for good; reset, resolve or complete by hand.`,
    waitsFor,
  }
}

const dependenciesText = (task: LiveTask, index: number, open: readonly StepId[]): string => {
  const { join } = elementAt(task.graph.steps, index, 'steps of the graph')
  return join === 'all'
    ? `It waits for ${open.join(', ')}.`
    : `It waits until ${join} of its dependencies are satisfied; not satisfied are ${open.join(', ')}.`
}

const noRoom = (task: LiveTask, index: number): Told => {
  const run = batchOf(task, index)
  const workers = run === undefined ? [] : run.ranges.map((_, number) => run.first + number)
  const atWork = workers.filter((worker) => {
    const { status } = elementAt(task.steps, worker, 'steps')
    return isOpen(status) && status !== 'pending'
  })
  return {
    reason: 'batch_room',
    why: 'As many workers of its batch as may are at work.',
    unblockedBy: 'The end of one of them.',
    waitsFor: atWork.map((worker) => nameAt(task, worker)),
  }
}

const ready = (task: LiveTask, index: number, around: Surroundings | undefined): Told => {
  const { pace } = task
  if (pace.type === 'paused') {
    return { reason: 'paused', why: pausedText(pace), unblockedBy: 'A resume of the task.' }
  }
  const gate = keyGate(task, index)
  return gate === undefined ? waitsForWorker(task, index, around) : waitsForKey(task, index, gate, around)
}

/** How a pause is told: since when, by whom where that was said, and why. */
export const pausedText = (pace: Extract<LiveTask['pace'], { readonly type: 'paused' }>): string =>
  `The task is paused since ${instantText(pace.since)}${pace.by === undefined ? '' : ` by ${pace.by}`}${pace.reason === undefined ? '.' : `: ${pace.reason}`}`

const waitsForKey = (task: LiveTask, index: number, gate: KeyGate, around: Surroundings | undefined): Told => {
  const line = around?.keyLine(nameAt(task, index))
  const head = `It waits for a place of the ${gate.kind} key ${gate.key}, which has ${gate.limit}`
  if (around === undefined) {
    const why = `${head}; who had its places then is not in the log of the task.`
    return { reason: 'key', why, unblockedBy: 'A place that becomes free.' }
  }
  const places = line === undefined ? '' : `; ${line.held} are taken${holdersText(line.holders, line.held)}`
  const before = line?.ahead === undefined ? '' : `, and ${line.ahead} go before it`
  const until = gate.perMs === undefined || line === undefined ? undefined : firstFree(line.holders)
  return {
    reason: 'key',
    why: `${head}${places}${before}.`,
    unblockedBy:
      until === undefined ? 'A place that becomes free.' : `A place that becomes free: the first at ${instantText(until)}.`,
    heldBy: line?.holders ?? [],
    ...(until === undefined ? {} : { until }),
  }
}

const holdersText = (holders: readonly KeyPlaceHolder[], held: number): string => {
  const [first] = holders
  if (first === undefined) return ''
  const more = held > 1 ? ` and ${held - 1} more` : ''
  return ` (by task ${first.taskId}, step ${first.step}, attempt ${first.attempt}${more})`
}

const firstFree = (holders: readonly KeyPlaceHolder[]): Instant | undefined => {
  let first: Instant | undefined
  for (const { freeAt } of holders) if (freeAt !== undefined && (first === undefined || freeAt < first)) first = freeAt
  return first
}

const waitsForWorker = (task: LiveTask, index: number, around: Surroundings | undefined): Told => {
  const handler = queueHandler(task, index)
  const unblockedBy = `A worker with a free slot that offers ${handler}.`
  if (around === undefined) {
    const why = `It is ready for ${handler}; which workers were there then is not in the log of the task.`
    return { reason: 'worker', why, unblockedBy }
  }
  const since = around.unservedSince(handler)
  const { workers, slots, busy } = around.offering(handler)
  const detail =
    since !== undefined
      ? `no connected worker has offered ${handler} since ${instantText(since)}`
      : workers === 0
        ? `no connected worker offers ${handler}`
        : busy >= slots
          ? `all ${slots} slots of the ${workers} workers that offer ${handler} are busy`
          : 'no worker has taken it yet'
  return { reason: 'worker', why: `It is ready, and ${detail}.`, unblockedBy }
}

const waitsForRetry = (task: LiveTask, index: number, step: StepWaitingForRetry): Told => {
  const allowed = attemptsAllowed(runOf(task, index).retry)
  const paused = task.pace.type === 'paused' ? ' The task is paused: it waits for the resume too.' : ''
  return {
    reason: 'retry_time',
    why: `Its last attempt failed, ${step.attemptsSinceReset} of ${allowed}: ${failureOf(task, index)}`,
    unblockedBy: `Time: the next attempt may start at ${instantText(step.dueAt)}.${paused}`,
    until: step.dueAt,
  }
}

const skipped = (task: LiveTask, index: number): Told => {
  const { when } = elementAt(task.graph.steps, index, 'steps of the graph')
  const inputs = when === undefined ? [] : valuesRead(when, expressionRoots(task, index, when)).map(shownInput)
  const read = inputs.map(({ path, value }) => `${path} is ${inputText(value)}`).join(', ')
  return {
    reason: 'condition',
    why: `Its condition is false: ${when?.text ?? ''}${read === '' ? '' : ` (${read})`}`,
    unblockedBy: 'Nothing: a condition is asked once, and whatever depends on the step goes on.',
    inputs,
  }
}

const shownInput = ({ path, value }: ReturnType<typeof valuesRead>[number]): ConditionInput => ({
  path,
  value: value === undefined ? undefined : shownValue(value, LIMITS.shownValueCharsMax),
})

const SENTENCE_VALUE_CHARS_MAX = 60

const inputText = (value: ConditionInput['value']): string => {
  if (value === undefined) return 'not there'
  return value.text.length > SENTENCE_VALUE_CHARS_MAX ? `${value.text.slice(0, SENTENCE_VALUE_CHARS_MAX)}…` : value.text
}

const failed = (task: LiveTask, index: number): Told | undefined => {
  if (task.endedAt !== undefined) return undefined
  if (isTakingBack(task, index)) {
    return {
      reason: 'failed',
      why: `Its way back failed for good: ${failureOf(task, index)}`,
      unblockedBy: 'A person: reset, resolve or complete by hand. Steps it built on are taken back after it.',
      byHand: true,
    }
  }
  if (task.compensation === undefined && goesOnWithout(task, index)) return undefined
  const why = `It failed for good: ${failureOf(task, index)}`
  return task.compensation === undefined
    ? {
        reason: 'failed',
        why,
        unblockedBy: 'A person: reset, resolve or complete by hand. Steps that do not depend on it go on.',
        byHand: true,
      }
    : { reason: 'failed', why, unblockedBy: 'Nothing: the work of the task is taken back.' }
}

/** A complete step has something to wait for only where it is to be taken back. */
const toBeTakenBack = (task: LiveTask, index: number): Told | undefined => {
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
