/**
 * Which waits of a task have a limit, and when each is over.
 *
 * S1  What moves a step begins the task's wait anew, and so does a sign of life of a running one: a batch that keeps saving how far it came
 *     is not stale, nor is a step whose handler keeps being heard.
 * S2  A wait that was told of is not told of again.
 * S3  Nothing of a paused task is watched; its waits begin anew when it is resumed.
 * S4  A durable function that is suspended waits for as long as its code says, and a step for as long as the task does that is its work.
 */
import type { StepId } from '../../kernel/ids.js'
import { type DurationMs, type Instant, latest, later } from '../../kernel/instant.js'
import { elementAt } from '../../kernel/invariant.js'
import { consequenceOf, type Lifecycle, type StaleConsequence, statesOf, type WatchedState } from '../../template/lifecycle.js'
import type { LiveTask, StepState } from '../state.js'
import { stepChildren } from '../function-step.js'
import { isSuspended } from '../suspended.js'
import type { StaleSubject } from './dead-letter.js'

/** The last sign of life of steps that run, where there was one. */
export type HeardSteps = ReadonlyMap<StepId, Instant>

export const NOBODY_HEARD: HeardSteps = new Map()

export interface Watch extends StaleSubject {
  readonly dueAt: Instant
  readonly consequence: StaleConsequence
}

/** The waits that were not told of yet, of the task and of its steps. */
export const watchesOf = (task: LiveTask, heard: HeardSteps = NOBODY_HEARD): readonly Watch[] => {
  const { told } = task.deadLetters
  return allWatches(task, heard).filter((watch) =>
    watch.consequence.dlq || watch.consequence.fail ? !told.some((earlier) => isSame(earlier, watch)) : false,
  )
}

/** The waits of the task and of its steps, whatever was told of them and whatever follows. */
export const allWatches = (task: LiveTask, heard: HeardSteps): readonly Watch[] =>
  task.pace.type === 'going' && (task.phase === 'running' || task.phase === 'blocked') && !isSuspended(task)
    ? [...taskWatches(task, heard), ...stepWatches(task, heard)]
    : []

/** When a timer has to look at the task again; undefined where nothing of it is watched, or a nearer timer will move it. */
export const staleAt = (task: LiveTask): Instant | undefined => {
  if (!mayGoStale(task)) return undefined
  let due: Instant | undefined
  for (const watch of watchesOf(task)) if (due === undefined || watch.dueAt < due) due = watch.dueAt
  if (due === undefined || task.plan.watched || task.phase === 'blocked') return due
  return movesBefore(task, due) ? undefined : due
}

/** The check of the hot path: steps of a plain template that run or wait for a worker have nothing to watch. */
const mayGoStale = (task: LiveTask): boolean => {
  const { plan, phase, pace, counts } = task
  if (pace.type === 'paused') return false
  if (phase === 'blocked') return plan.watched || plan.lifecycle.thresholdsMs.blocked_by_failures !== undefined
  if (phase !== 'running' || isSuspended(task)) return false
  return plan.watched || (counts.enqueued === 0 && counts.in_progress === 0)
}

/** A timeout or a retry comes before: its event begins a new wait. */
const movesBefore = (task: LiveTask, due: Instant): boolean =>
  task.steps.some(
    (step) =>
      (step.status === 'in_progress' && step.deadlineAt <= due) || (step.status === 'waiting_for_retry' && step.dueAt <= due),
  )

const taskWatches = (task: LiveTask, heard: HeardSteps): readonly Watch[] => {
  const { lifecycle } = task.plan
  const watches: Watch[] = []
  const add = (state: WatchedState, since: Instant): void => {
    const thresholdMs = lifecycle.thresholdsMs[state]
    if (thresholdMs !== undefined) watches.push(watchOf(state, undefined, since, thresholdMs, consequenceOf(state, lifecycle)))
  }
  const state = stateOf(task)
  if (state !== undefined) add(state, latest(movedAt(task), lastHeard(task, heard)))
  add('duration', latest(task.submittedAt, task.submitted.runAt ?? task.submittedAt))
  return watches
}

/** What the task as a whole is doing; undefined where the system's default leaves it to its queue. */
const stateOf = (task: LiveTask): WatchedState | undefined => {
  const { phase, counts, plan } = task
  if (phase === 'blocked') return 'blocked_by_failures'
  if (stepChildren(task).length > 0) return undefined
  if (counts.in_progress > 0) return 'steps_in_process'
  if (counts.enqueued > 0) return plan.lifecycle.given.has('steps_in_process') ? 'steps_in_process' : undefined
  return counts.waiting_for_retry > 0 ? 'waiting_for_retry' : 'waiting_for_dependencies'
}

/** When a step of the task last changed, or saved how far it came. */
export const movedAt = (task: LiveTask): Instant => {
  let moved = task.pace.type === 'going' ? (task.pace.resumedAt ?? task.submittedAt) : task.pace.since
  for (const step of task.steps) if (step.since > moved) moved = step.since
  for (const { savedAt } of task.checkpoints.values()) moved = latest(moved, savedAt)
  return moved
}

const lastHeard = (task: LiveTask, heard: HeardSteps): Instant => {
  let last = task.submittedAt
  for (const at of heard.values()) last = latest(last, at)
  return last
}

const stepWatches = (task: LiveTask, heard: HeardSteps): readonly Watch[] => {
  if (!task.plan.watched || task.phase !== 'running') return []
  return task.steps.flatMap((step, index) => {
    const spec = elementAt(task.graph.steps, index, 'steps of the graph')
    return spec.lifecycle === undefined ? [] : watchesOfStep(task, index, step, spec.name, spec.lifecycle, heard)
  })
}

const watchesOfStep = (
  task: LiveTask,
  index: number,
  step: StepState,
  name: StepId,
  lifecycle: Lifecycle,
  heard: HeardSteps,
): readonly Watch[] => {
  const current = STATE_OF_STEP[step.status]
  if (current === undefined) return []
  const since = latest(stepSince(task, index, step), heard.get(name) ?? step.since)
  return statesOf(lifecycle).flatMap((state): Watch[] => {
    const thresholdMs = lifecycle.thresholdsMs[state]
    if (thresholdMs === undefined) return []
    const consequence = consequenceOf(state, lifecycle, task.plan.lifecycle)
    if (state === current) return [watchOf(state, name, since, thresholdMs, consequence)]
    if (state !== 'duration' || step.firstStartedAt === undefined) return []
    return [watchOf(state, name, step.firstStartedAt, thresholdMs, consequence)]
  })
}

const STATE_OF_STEP: { readonly [Status in StepState['status']]?: WatchedState } = {
  pending: 'waiting_for_dependencies',
  enqueued: 'steps_in_process',
  in_progress: 'steps_in_process',
  waiting_for_retry: 'waiting_for_retry',
}

const watchOf = (
  state: WatchedState,
  step: StepId | undefined,
  since: Instant,
  thresholdMs: DurationMs,
  consequence: StaleConsequence,
): Watch => ({ type: 'stale', state, step, since, thresholdMs, dueAt: later(since, thresholdMs), consequence })

/** The same wait: the same state of the same step since the same instant. Signs of life count as moves. */
const isSame = (a: StaleSubject, b: StaleSubject): boolean => a.state === b.state && a.step === b.step && a.since >= b.since

/** Whether a task still stands as it did when it went stale. */
export const isStillStale = (task: LiveTask, { state, step, since }: StaleSubject): boolean => {
  if (state === 'duration') return step === undefined || isOpenStep(task, step)
  const current = step === undefined ? stateOf(task) : stepState(task, step)
  const moved = step === undefined ? movedAt(task) : stepMovedAt(task, step)
  return current === state && moved <= since
}

const stepOf = (task: LiveTask, step: StepId): StepState | undefined => task.steps[task.graph.indexOf.get(step) ?? -1]

const isOpenStep = (task: LiveTask, name: StepId): boolean => {
  const step = stepOf(task, name)
  return step !== undefined && STATE_OF_STEP[step.status] !== undefined
}

const stepState = (task: LiveTask, name: StepId): WatchedState | undefined => {
  const step = stepOf(task, name)
  return step === undefined ? undefined : STATE_OF_STEP[step.status]
}

const stepMovedAt = (task: LiveTask, name: StepId): Instant => {
  const index = task.graph.indexOf.get(name) ?? -1
  const step = task.steps[index]
  return step === undefined ? task.submittedAt : stepSince(task, index, step)
}

const stepSince = (task: LiveTask, index: number, step: StepState): Instant =>
  latest(step.since, task.checkpoints.get(index)?.savedAt ?? step.since)
