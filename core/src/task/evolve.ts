/**
 * What an event makes true of a task.
 *
 * E1  Nothing is changed in place: a new task shares all it can with the old one, and one event replaces one step.
 * E2  `counts` and `unmet` always say what `steps` say.
 * E3  An event that cannot follow on the state (`transitions.ts`) or names the wrong attempt is a bug of whoever decided it: it throws,
 *     so that the stream is quarantined, and is never skipped.
 */
import { later, type DurationMs, type Instant } from '../kernel/instant.js'
import { BugError, elementAt, invariant, unreachable } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { Plan } from '../template/plan.js'
import type {
  StepCheckpointed,
  StepCompleted,
  StepFailed,
  StepsCreated,
  CompensationStarted,
  StepTimedOut,
  TaskArchived,
  TaskCancelRequested,
  TaskEvent,
  TaskSubmitted,
} from './events.js'
import { withCallSeen } from './call-seen.js'
import { isTakingBack, runOf } from './compensation.js'
import type { CallsCreated, FunctionEvent } from '../function/events.js'
import { emptyJournal, evolveJournal, letRun, seeCancel } from '../function/journal.js'
import { timeoutFailure } from './failure.js'
import {
  batchesCreated,
  branchesCreated,
  callsCreated,
  initialSteps,
  NO_STEPS,
  pendingSteps,
  unmetOf,
  withoutCalls,
} from './growth.js'
import { NO_DEAD_LETTERS } from './letters/dead-letter.js'
import { concernsLetters, foldLetters } from './letters/fold-letters.js'
import {
  type ArchivedTask,
  GOING,
  isTerminal,
  type LiveTask,
  type StepComplete,
  type StepInProgress,
  type StepState,
  type TaskState,
} from './state.js'
import {
  admittedStep,
  cancelledStep,
  checkpointedStep,
  compensatedByHand,
  compensatedStep,
  completedByHand,
  completedStep,
  createdStep,
  enqueuedStep,
  failedAttempt,
  failedStep,
  failedUnstarted,
  progressedStep,
  releasedStep,
  skippedStep,
  resetStep,
  resolvedStep,
  runningAgain,
  reportedWith,
  startedStep,
  undoneStep,
  waitingStep,
  withIgnored,
} from './step-states.js'
import { goesOnWithout, isOpen, mayBeTimed } from './step-groups.js'
import { endedTask, scheduledTask, withPhase, withStep, withStepPassed } from './task-states.js'
import { PHASE_TRANSITIONS, STEP_TRANSITIONS } from './transitions.js'

/** `at` is the commit's instant; `plan` is read by `task.submitted` alone, and is in the state from then on. */
export const evolve = (state: TaskState, event: TaskEvent, at: Instant, plan: Plan): TaskState => {
  if (event.type === 'task.archived') return archived(state, event, at)
  if (state.type === 'archived') throw new BugError(`${event.type} in a task that is archived`)
  const phase = state.type === 'none' ? 'none' : state.phase
  if (PHASE_TRANSITIONS[event.type][phase] === undefined) throw new BugError(`${event.type} in a task that is ${phase}`)
  if (state.type === 'task') return withLetters(state, event, withCallSeen(event, evolveLive(state, event, at), at), at)
  invariant(event.type === 'task.submitted', 'a task begins with its submission')
  return submitted(event, at, plan)
}

/** The fold of a stream may begin with it: then the events before it are in the archive alone, and no plan is needed. */
const archived = (state: TaskState, event: TaskArchived, at: Instant): ArchivedTask => {
  if (state.type === 'archived') throw new BugError('a task is archived twice')
  if (state.type === 'task' && !isTerminal(state.phase)) throw new BugError(`task.archived in a task that is ${state.phase}`)
  return archivedTask(event, at)
}

/** The task that a stream is whose last event this is, whatever else of it is still there. */
export const archivedTask = (event: TaskArchived, at: Instant): ArchivedTask => ({
  type: 'archived',
  archived: event,
  archivedAt: at,
})

/** What the event means for the task's dead letters; most tasks never have one. */
const withLetters = (before: LiveTask, event: Exclude<TaskEvent, TaskArchived>, after: LiveTask, at: Instant): LiveTask => {
  if (!concernsLetters(before, event)) return after
  const deadLetters = foldLetters(before, event, after, at)
  return deadLetters === after.deadLetters ? after : { ...after, deadLetters }
}

const evolveLive = (task: LiveTask, event: Exclude<TaskEvent, TaskArchived>, at: Instant): LiveTask => {
  switch (event.type) {
    case 'task.submitted':
      throw new BugError('a task is submitted twice')
    case 'steps.created':
      return stepsCreated(task, event, at)
    case 'task.blocked':
      return withPhase(task, 'blocked', at)
    case 'task.went_stale':
    case 'task.dead_lettered':
    case 'task.dead_letter_updated':
      return withPhase(task, task.phase, at)
    case 'task.cancel_requested':
      return cancelRequested(task, event, at)
    case 'task.cancelled':
      return endedTask(task, 'cancelled', at)
    case 'task.completed':
      return endedTask(task, 'completed', at)
    case 'task.failed':
      return endedTask(task, 'failed', at, event)
    case 'task.resolved_manually':
      return { ...endedTask(task, 'resolved_manually', at), resolvedReason: event.reason }
    case 'task.paused':
      return { ...withPhase(task, task.phase, at), pace: { type: 'paused', since: at, reason: event.reason, by: event.by } }
    case 'task.resumed':
      return { ...withPhase(task, task.phase, at), pace: { type: 'going', resumedAt: at }, steps: timesRunAgain(task, at) }
    case 'task.retried':
      return { ...withPhase(task, goingPhase(task), at), journal: task.journal === undefined ? undefined : letRun(task.journal) }
    case 'compensation.started':
      return compensationStarted(task, event, at)
    case 'compensation.completed':
    case 'compensation.failed':
      return withPhase(task, 'compensating', at)
    case 'step.completed':
      return stepCompleted(task, event, at)
    case 'domain_event.recorded':
      return withPhase(task, task.phase, at)
    case 'effect.recorded':
    case 'timer.started':
    case 'timer.cancelled':
    case 'timer.fired':
    case 'signal.received':
    case 'update.received':
    case 'update.answered':
    case 'function.diverged':
    case 'child.started':
    case 'child.ended':
      return journaled(task, event, at)
    case 'function.continued':
      return withoutCalls(journaled(task, event, at))
    default:
      return evolveStep(task, event, at)
  }
}

type StepEvent = Exclude<
  TaskEvent,
  | { readonly type: `task.${string}` | `compensation.${string}` }
  | { readonly type: 'steps.created' | 'step.completed' | 'domain_event.recorded' }
  | FunctionEvent
>

const evolveStep = (task: LiveTask, event: StepEvent, at: Instant): LiveTask => {
  const index = indexOf(task, event.step)
  const step = elementAt(task.steps, index, 'steps')
  mustFollow(step, event)
  switch (event.type) {
    case 'step.scheduled':
      if (step.status === 'complete') return undoScheduled(task, index, step, event.attempt, at)
      return scheduledTask(task, index, step, enqueuedStep(step, event.attempt, runOf(task, index), at), at)
    case 'step.admitted':
      invariant(step.status === 'enqueued', 'a step that is admitted is ready')
      return withStep(task, index, step, admittedStep(step), at)
    case 'step.started':
      return withStep(task, index, step, startedStep(step, event.worker, timeoutOf(task, index), at), at)
    case 'step.released':
    case 'step.suspended':
      return withStep(task, index, step, releasedStep(running(step), at), at)
    case 'step.failed':
      return attemptEnded(task, index, stepFailed(step, event, at), at)
    case 'step.timed_out':
      return attemptEnded(task, index, stepTimedOut(step, event, at), at)
    case 'step.checkpointed':
      return checkpointed(task, index, event, at)
    case 'step.retry_scheduled':
      return withStep(task, index, step, waitingStep(step, event.attempt, event.dueAt, at), at)
    case 'step.skipped':
      return withStepPassed(task, index, skippedStep(step, at), at)
    case 'step.cancelled':
      return withStep(task, index, step, cancelledStep(step, at), at)
    case 'step.result_ignored':
      return withStep(task, index, step, withIgnored(step, event.attempt), at)
    case 'step.reset_for_retry':
      return byHand(task, index, resetStep(step, at), at)
    case 'step.resolved_manually':
      return withoutCheckpoint(byHand(task, index, resolvedStep(step, at), at), index)
    case 'step.completed_manually':
      return withoutCheckpoint(byHand(task, index, handedStep(task, index, event.output, at), at), index)
    default:
      return unreachable(event)
  }
}

/** E3 for a step. No message is built unless it fails: this runs for every event. */
const mustFollow = (step: StepState, event: StepEvent | StepCompleted): void => {
  if (STEP_TRANSITIONS[event.type][step.status] === undefined) {
    throw new BugError(`${event.type} of step ${event.step} that is ${step.status}`)
  }
  if (event.type === 'step.result_ignored' || !('attempt' in event)) return
  if (event.attempt !== step.attempts + (givesNumber(step, event) ? 1 : 0)) {
    throw new BugError(`${event.type} of step ${event.step}: attempt ${event.attempt} after ${step.attempts}`)
  }
}

/** A step that becomes ready takes the next number, unless its wait for a retry took it. */
const givesNumber = (step: StepState, event: StepEvent | StepCompleted): boolean =>
  event.type === 'step.retry_scheduled' ||
  (event.type === 'step.scheduled' && (step.status === 'pending' || step.status === 'complete'))

const NO_CHOICES: LiveTask['choices'] = new Map()
const NO_BATCHES: LiveTask['batches'] = []
const NO_CHECKPOINTS: LiveTask['checkpoints'] = new Map()

const submitted = (event: TaskSubmitted, at: Instant, plan: Plan): LiveTask => ({
  type: 'task',
  // A task with `runAt` waits until its first step is scheduled, which for an instant gone by is in the same commit.
  phase: event.runAt === undefined ? 'running' : 'waiting',
  pace: GOING,
  plan,
  graph: plan,
  submitted: event,
  submittedAt: at,
  updatedAt: at,
  endedAt: undefined,
  cancel: undefined,
  compensation: undefined,
  failed: undefined,
  resolvedReason: undefined,
  steps: [],
  unmet: [],
  counts: NO_STEPS,
  choices: NO_CHOICES,
  batches: NO_BATCHES,
  checkpoints: NO_CHECKPOINTS,
  deadLetters: NO_DEAD_LETTERS,
  journal: plan.template.kind === 'function' ? emptyJournal(event.context, at) : undefined,
})

const stepsCreated = (task: LiveTask, event: StepsCreated, at: Instant): LiveTask => {
  switch (event.segment) {
    case 'initial':
      return event.steps.length === task.plan.steps.length ? allStepsCreated(task, at) : initialSteps(task, event, at)
    case 'decision':
      return branchesCreated(task, event, at)
    case 'batches':
      return batchesCreated(task, event, at)
    case 'calls':
      return journaled(callsCreated(task, event, at), event, at)
    default:
      return unreachable(event)
  }
}

/** All steps start as one shared object: none of them has a history yet. */
const allStepsCreated = (task: LiveTask, at: Instant): LiveTask => {
  const { plan } = task
  invariant(task.steps.length === 0, 'the initial segment is created once')
  return {
    type: 'task',
    phase: task.phase,
    pace: task.pace,
    plan,
    graph: plan,
    submitted: task.submitted,
    submittedAt: task.submittedAt,
    updatedAt: at,
    endedAt: undefined,
    cancel: undefined,
    resolvedReason: undefined,
    steps: new Array<StepState>(plan.steps.length).fill(createdStep(at)),
    compensation: undefined,
    failed: undefined,
    unmet: plan.dependencies.map((dependencies) => dependencies.length),
    counts: pendingSteps(plan.steps.length),
    choices: task.choices,
    batches: task.batches,
    checkpoints: task.checkpoints,
    deadLetters: task.deadLetters,
    journal: task.journal,
  }
}

const stepCompleted = (task: LiveTask, event: StepCompleted, at: Instant): LiveTask => {
  const index = indexOf(task, event.step)
  const step = elementAt(task.steps, index, 'steps')
  mustFollow(step, event)
  if (isTakingBack(task, index)) {
    const undone = compensatedStep(running(step), event.output, at)
    return withoutCheckpoint(withStep(task, index, step, undone, at), index)
  }
  return withoutCheckpoint(withStepPassed(task, index, completedStep(running(step), event.output, at), at), index)
}

const withoutCheckpoint = (task: LiveTask, index: number): LiveTask => {
  if (!task.checkpoints.has(index)) return task
  const checkpoints = new Map(task.checkpoints)
  checkpoints.delete(index)
  return { ...task, checkpoints }
}

const checkpointed = (task: LiveTask, index: number, event: StepCheckpointed, at: Instant): LiveTask => {
  const step = running(elementAt(task.steps, index, 'steps'))
  const { attempt, number, cursor, itemsProcessed, accumulated } = event
  const checkpoints = new Map(task.checkpoints).set(index, { attempt, number, cursor, itemsProcessed, accumulated, savedAt: at })
  return { ...withStep(task, index, step, checkpointedStep(step, timeoutOf(task, index), at), at), checkpoints }
}

/** A failure for good that holds nobody up is one dependency less, as a result is. A task that waited for its time has begun either way. */
const attemptEnded = (task: LiveTask, index: number, to: StepState, at: Instant): LiveTask => {
  if (to.status === 'error' && goesOnWithout(task, index) && !isTakingBack(task, index))
    return withStepPassed(task, index, to, at)
  const from = elementAt(task.steps, index, 'steps')
  return task.phase === 'waiting' ? scheduledTask(task, index, from, to, at) : withStep(task, index, from, to, at)
}

/** A step that is pending failed before it could begin: nobody reported it, and no other attempt follows. */
const stepFailed = (step: StepState, event: StepFailed, at: Instant): StepState => {
  if (step.status === 'pending') return failedStep(step, event.failure, step.reported, at)
  return attemptFailed(running(step), event, at)
}

const attemptFailed = (step: StepInProgress, event: StepFailed, at: Instant): StepState => {
  const reported = reportedWith(step, event.failure)
  return event.permanent ? failedStep(step, event.failure, reported, at) : failedAttempt(step, event.failure, reported, at)
}

/** Nobody reported a timeout, so no report is remembered. */
const stepTimedOut = (step: StepState, event: StepTimedOut, at: Instant): StepState => {
  const failure = timeoutFailure(event.kind, event.timeoutMs)
  if (step.status !== 'in_progress') return failedUnstarted(step, failure, at)
  return event.permanent ? failedStep(step, failure, step.reported, at) : failedAttempt(step, failure, step.reported, at)
}

const compensationStarted = (task: LiveTask, { cause }: CompensationStarted, at: Instant): LiveTask => ({
  ...withPhase(task, 'compensating', at),
  compensation: { cause, startedAt: at, undone: new Map() },
})

/** From here on the attempts of the step are those of its way back. */
const undoScheduled = (task: LiveTask, index: number, step: StepComplete, attempt: number, at: Instant): LiveTask => {
  const { compensation } = task
  invariant(compensation !== undefined, 'a complete step runs again only to be taken back')
  return {
    ...withStep(task, index, step, undoneStep(step, attempt, at), at),
    compensation: { ...compensation, undone: new Map(compensation.undone).set(index, step) },
  }
}

/** Nothing of a task starts any more, so its pause is over for a function alone: that runs, and cleans up. */
const cancelRequested = (task: LiveTask, event: TaskCancelRequested, at: Instant): LiveTask => ({
  ...withPhase(task, 'cancelling', at),
  pace: task.journal === undefined ? task.pace : GOING,
  cancel: { reason: event.reason, graceUntil: later(at, event.graceMs) },
  journal: task.journal === undefined ? undefined : seeCancel(task.journal, event.reason, at),
})

/** What comes from elsewhere than its run. */
const OUTSIDE: ReadonlySet<(FunctionEvent | CallsCreated)['type']> = new Set([
  'timer.fired',
  'signal.received',
  'update.received',
  'function.diverged',
  'child.ended',
])

/** What its run hands in begins its time anew, and its budget: workers that are lost count against the run that came no further. */
const journaled = (task: LiveTask, event: FunctionEvent | CallsCreated, at: Instant): LiveTask => {
  const { journal, steps } = task
  invariant(journal !== undefined, 'only a durable function has a journal')
  const run = elementAt(steps, 0, 'steps')
  const handedIn = !OUTSIDE.has(event.type)
  const renewed =
    handedIn && run.status === 'in_progress' ? withStep(task, 0, run, progressedStep(run, timeoutOf(task, 0), at), at) : task
  return { ...withPhase(renewed, task.phase, at), journal: evolveJournal(journal, event, at) }
}

/**
 * A person saw to a step, so the task goes on; what is blocked all the same says so again. Who may go on is counted anew, because the step
 * may have let others go on before.
 */
const byHand = (task: LiveTask, index: number, to: StepState, at: Instant): LiveTask => {
  const next = withStep(task, index, elementAt(task.steps, index, 'steps'), to, at)
  return { ...next, phase: next.phase === 'blocked' ? goingPhase(next) : next.phase, unmet: unmetOf(next) }
}

/** The phase of a task that a person lets go on. */
const goingPhase = ({ compensation }: LiveTask): LiveTask['phase'] => (compensation === undefined ? 'running' : 'compensating')

/** What a person gives is the result of the step, or of its way back. */
const handedStep = (task: LiveTask, index: number, output: JsonText, at: Instant): StepState => {
  const step = elementAt(task.steps, index, 'steps')
  return isTakingBack(task, index) ? compensatedByHand(step, output, at) : completedByHand(step, output, at)
}

/** The times of a paused task stood still. */
const timesRunAgain = (task: LiveTask, at: Instant): readonly StepState[] => {
  const { pace, steps } = task
  if (!mayBeTimed(task) || pace.type !== 'paused') return steps
  return steps.map((step, index) => (isOpen(step.status) ? runningAgain(step, pace.since, runOf(task, index), at) : step))
}

const indexOf = (task: LiveTask, step: StepId): number => {
  const index = task.graph.indexOf.get(step)
  if (index === undefined) throw new BugError(`the task has no step ${step}`)
  return index
}

const timeoutOf = (task: LiveTask, index: number): DurationMs => runOf(task, index).timeoutMs

const running = (step: StepState): StepInProgress => {
  invariant(step.status === 'in_progress', 'an attempt that ends is running')
  return step
}
