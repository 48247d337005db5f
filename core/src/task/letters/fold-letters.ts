/** What an event means for the dead letters of its task: an entry is opened, written on, or resolved by what the task does. */
import { elementAt } from '../../kernel/invariant.js'
import type { StepId } from '../../kernel/ids.js'
import type { Instant } from '../../kernel/instant.js'
import { LIMITS } from '../../limits.js'
import { isBeyondRetry } from '../../retry/allowed.js'
import { runOf } from '../compensation.js'
import type { TaskDeadLettered, TaskDeadLetterUpdated, TaskEvent, TaskWentStale } from '../events.js'
import { isTerminal, type LiveTask, type StepStatus, type TaskPhase } from '../state.js'
import { isGoing } from '../step-groups.js'
import { taskStatus } from '../status.js'
import {
  type DeadLetter,
  type DeadLetterReason,
  type DeadLetters,
  type DeadLetterStatus,
  type LetterSnapshot,
  type LetterSubject,
  NO_DEAD_LETTERS,
  pendingLetter,
  type StaleSubject,
} from './dead-letter.js'
import { isStillStale } from './staleness.js'

/** The check of the hot path: most events of most tasks have nothing to do with dead letters. */
export const concernsLetters = (before: LiveTask, event: TaskEvent): boolean =>
  before.deadLetters !== NO_DEAD_LETTERS || OPENING.has(event.type)

const OPENING: ReadonlySet<TaskEvent['type']> = new Set(['task.blocked', 'task.went_stale', 'task.dead_lettered'])

/** `after` is the task as the event made it in all other respects. */
export const foldLetters = (before: LiveTask, event: TaskEvent, after: LiveTask, at: Instant): DeadLetters => {
  const letters = resolvedByProgress(before, after, before.deadLetters, at)
  if (event.type === 'task.blocked')
    return opened(letters, after, at, failedReason(after, event.steps), { type: 'failed', steps: event.steps })
  if (event.type === 'task.went_stale') return wentStale(letters, after, event, at)
  if (event.type === 'task.dead_lettered') return withNotes(opened(letters, after, at, event.reason, subjectOf(event)), event)
  return event.type === 'task.dead_letter_updated' ? updated(letters, event, at) : letters
}

const subjectOf = ({ step, attempt }: TaskDeadLettered): LetterSubject =>
  step === undefined || attempt === undefined ? { type: 'task' } : { type: 'queued', step, attempt }

const wentStale = (letters: DeadLetters, after: LiveTask, event: TaskWentStale, at: Instant): DeadLetters => {
  const { state, step, since, thresholdMs } = event
  const subject: StaleSubject = { type: 'stale', state, step, since, thresholdMs }
  const told = [...letters.told.filter((other) => other.state !== state || other.step !== step), subject]
  const withTold = { ...letters, told }
  return event.deadLetter ? opened(withTold, after, at, 'staleness_timeout', subject) : withTold
}

/** L1: while an entry is pending no other is opened. */
const opened = (
  letters: DeadLetters,
  task: LiveTask,
  at: Instant,
  reason: DeadLetterReason,
  subject: LetterSubject,
): DeadLetters => {
  if (pendingLetter(letters) !== undefined) return letters
  const letter: DeadLetter = {
    entry: letters.opened + 1,
    reason,
    status: 'pending',
    originalState: taskStatus(task),
    subject,
    openedAt: at,
    resolvedAt: undefined,
    resolvedBy: undefined,
    notes: undefined,
    metadata: undefined,
    snapshot: snapshotOf(task),
  }
  return { ...letters, opened: letter.entry, entries: [...letters.entries, letter].slice(-LIMITS.deadLettersKeptMax) }
}

/** What the person who opened the entry has to say belongs to it. */
const withNotes = (letters: DeadLetters, event: TaskDeadLettered): DeadLetters =>
  withEntry(letters, letters.opened, (letter) => ({
    ...letter,
    notes: event.notes ?? letter.notes,
    metadata: event.metadata ?? letter.metadata,
  }))

const updated = (letters: DeadLetters, event: TaskDeadLetterUpdated, at: Instant): DeadLetters =>
  withEntry(letters, event.entry, (letter) => {
    const status = event.status ?? letter.status
    return {
      ...letter,
      status,
      resolvedAt: status === 'pending' ? undefined : status === letter.status ? letter.resolvedAt : at,
      resolvedBy: event.by ?? letter.resolvedBy,
      notes: event.notes ?? letter.notes,
      metadata: event.metadata ?? letter.metadata,
    }
  })

const withEntry = (letters: DeadLetters, entry: number, change: (letter: DeadLetter) => DeadLetter): DeadLetters => ({
  ...letters,
  entries: letters.entries.map((letter) => (letter.entry === entry ? change(letter) : letter)),
})

/** L2. */
const resolvedByProgress = (before: LiveTask, after: LiveTask, letters: DeadLetters, at: Instant): DeadLetters => {
  const pending = pendingLetter(letters)
  if (pending === undefined) return letters
  const status = progressOf(before, after, pending)
  if (status === undefined) return letters
  return withEntry(letters, pending.entry, (letter) => ({ ...letter, status, resolvedAt: at, resolvedBy: BY_PROGRESS }))
}

const BY_PROGRESS = 'engine'

const progressOf = (before: LiveTask, after: LiveTask, { subject }: DeadLetter): DeadLetterStatus | undefined => {
  if (isTerminal(after.phase)) return statusAtEnd(after.phase)
  if (before.phase === 'blocked' && isGoing(after)) return 'manually_resolved'
  switch (subject.type) {
    case 'task':
    case 'failed':
      return undefined
    case 'stale':
      return isStillStale(after, subject) ? undefined : 'manually_resolved'
    case 'queued':
      return isQueued(after, subject.step, subject.attempt) ? undefined : 'manually_resolved'
  }
}

const statusAtEnd = (phase: TaskPhase): DeadLetterStatus =>
  phase === 'cancelled' ? 'cancelled' : phase === 'failed' ? 'permanently_failed' : 'manually_resolved'

const isQueued = (task: LiveTask, name: StepId, attempt: number): boolean => {
  const step = task.steps[task.graph.indexOf.get(name) ?? -1]
  return step?.status === 'enqueued' && step.attempts === attempt
}

/** The attempts of one of the steps are used up, or no number of attempts would have helped any of them. */
const failedReason = (task: LiveTask, steps: readonly StepId[]): DeadLetterReason =>
  steps.some((name) => hasUsedUp(task, name)) ? 'max_retries_exceeded' : 'permanent_failure'

const hasUsedUp = (task: LiveTask, name: StepId): boolean => {
  const index = task.graph.indexOf.get(name) ?? -1
  const failure = task.steps[index]?.lastFailure
  return failure !== undefined && !isBeyondRetry(runOf(task, index).retry, failure)
}

/** Steps that failed, run or wait say why a task is where it is; the others are counted. */
const SHOWN: ReadonlySet<StepStatus> = new Set(['error', 'enqueued', 'in_progress', 'waiting_for_retry'])

const snapshotOf = (task: LiveTask): LetterSnapshot => {
  const shown = task.steps.flatMap((step, index): LetterSnapshot['steps'] => {
    if (!SHOWN.has(step.status)) return []
    const { name } = elementAt(task.graph.steps, index, 'steps of the graph')
    return [{ step: name, status: step.status, attempts: step.attempts, failure: step.lastFailure?.message }]
  })
  const steps = shown.slice(0, LIMITS.deadLetterSnapshotStepsMax)
  return { counts: { ...task.counts }, steps, moreSteps: shown.length - steps.length }
}
