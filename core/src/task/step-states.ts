/**
 * The next state of a step, one function a status.
 *
 * The literals are written out in full: this is the hot path, and an object of one shape, made at once, costs a tenth of a spread.
 */
import { LIMITS } from '../limits.js'
import type { DurationMs, Instant } from '../kernel/instant.js'
import { durationMs, later } from '../kernel/instant.js'
import type { WorkerId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import { NO_TIMES, type StepTimes } from './compensation.js'
import { attemptsStarted } from './attempts.js'
import type { Failure } from './failure.js'
import type {
  ReportedFailure,
  StepCancelledState,
  StepCompensated,
  StepComplete,
  StepEnqueued,
  StepError,
  StepInProgress,
  StepNotTaken,
  StepPending,
  StepSkippedState,
  StepResolvedManuallyState,
  StepState,
  StepUncreated,
  StepWaitingForRetry,
} from './state.js'

const NO_ATTEMPTS: readonly number[] = []
const NO_FAILURES: readonly ReportedFailure[] = []

/** A step that does not exist yet. */
export const uncreatedStep = (at: Instant): StepUncreated => ({ ...createdStep(at), status: 'uncreated' })

/** A step that will never exist. */
export const notTakenStep = (at: Instant): StepNotTaken => ({ ...createdStep(at), status: 'not_taken' })

/** A step as it was created. */
export const createdStep = (at: Instant): StepPending => ({
  status: 'pending',
  attempts: 0,
  attemptsSinceReset: 0,
  ignored: NO_ATTEMPTS,
  since: at,
  firstStartedAt: undefined,
  lastStartedAt: undefined,
  lastFailure: undefined,
  lastFailedAt: undefined,
  closeBy: undefined,
  reported: NO_FAILURES,
})

export const enqueuedStep = (from: StepState, attempt: number, spec: StepTimes, at: Instant): StepEnqueued => ({
  status: 'enqueued',
  attempts: attempt,
  attemptsSinceReset: from.attemptsSinceReset,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: from.lastFailure,
  lastFailedAt: from.lastFailedAt,
  closeBy: from.closeBy ?? afterwards(at, spec.scheduleToCloseMs),
  startBy: afterwards(at, spec.scheduleToStartMs),
  reported: from.reported,
  admitted: 0,
})

/** It has a place of one more of its keys; it has been ready since it was. */
export const admittedStep = (from: StepEnqueued): StepEnqueued => ({ ...from, admitted: from.admitted + 1 })

const afterwards = (at: Instant, delayMs: DurationMs | undefined): Instant | undefined =>
  delayMs === undefined ? undefined : later(at, delayMs)

export const startedStep = (from: StepState, worker: WorkerId, timeoutMs: DurationMs, at: Instant): StepInProgress => ({
  status: 'in_progress',
  attempts: from.attempts,
  attemptsSinceReset: from.attemptsSinceReset + 1,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt ?? at,
  lastStartedAt: at,
  lastFailure: from.lastFailure,
  lastFailedAt: from.lastFailedAt,
  closeBy: from.closeBy,
  reported: from.reported,
  worker,
  deadlineAt: later(at, timeoutMs),
})

/** The same attempt goes on, with its time renewed. */
export const checkpointedStep = (from: StepInProgress, timeoutMs: DurationMs, at: Instant): StepInProgress => ({
  ...from,
  deadlineAt: later(at, timeoutMs),
})

/** The run of a durable function came further: of its budget only this attempt is used. */
export const progressedStep = (from: StepInProgress, timeoutMs: DurationMs, at: Instant): StepInProgress => ({
  ...from,
  attemptsSinceReset: 1,
  deadlineAt: later(at, timeoutMs),
})

/** The start never reached its worker: its number stays used, the budget gets it back. */
export const releasedStep = (from: StepInProgress, at: Instant): StepPending => ({
  status: 'pending',
  attempts: from.attempts,
  attemptsSinceReset: from.attemptsSinceReset - 1,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: from.lastFailure,
  lastFailedAt: from.lastFailedAt,
  closeBy: from.closeBy,
  reported: from.reported,
})

export const completedStep = (from: StepInProgress, output: JsonText, at: Instant): StepComplete => ({
  status: 'complete',
  attempts: from.attempts,
  attemptsSinceReset: from.attemptsSinceReset,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: from.lastFailure,
  lastFailedAt: from.lastFailedAt,
  closeBy: from.closeBy,
  reported: from.reported,
  worker: from.worker,
  output,
})

/** A failed attempt that another will follow; the next event of the commit says when. */
export const failedAttempt = (
  from: StepInProgress,
  failure: Failure,
  reported: readonly ReportedFailure[],
  at: Instant,
): StepPending => ({
  status: 'pending',
  attempts: from.attempts,
  attemptsSinceReset: from.attemptsSinceReset,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: failure,
  lastFailedAt: at,
  closeBy: from.closeBy,
  reported,
})

export const failedStep = (from: StepState, failure: Failure, reported: readonly ReportedFailure[], at: Instant): StepError => ({
  status: 'error',
  attempts: from.attempts,
  attemptsSinceReset: from.attemptsSinceReset,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: failure,
  lastFailedAt: at,
  closeBy: from.closeBy,
  reported,
  worker: from.status === 'in_progress' ? from.worker : undefined,
})

export const waitingStep = (from: StepState, attempt: number, dueAt: Instant, at: Instant): StepWaitingForRetry => ({
  status: 'waiting_for_retry',
  attempts: attempt,
  attemptsSinceReset: from.attemptsSinceReset,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: from.lastFailure,
  lastFailedAt: from.lastFailedAt,
  closeBy: from.closeBy,
  reported: from.reported,
  dueAt,
})

/** The way back of a completed step is ready: its attempts go on counting, with a budget of its own. */
export const undoneStep = (from: StepComplete, attempt: number, at: Instant): StepEnqueued => ({
  ...enqueuedStep({ ...from, closeBy: undefined }, attempt, NO_TIMES, at),
  attemptsSinceReset: 0,
})

export const compensatedStep = (from: StepInProgress, output: JsonText, at: Instant): StepCompensated => ({
  ...completedStep(from, output, at),
  status: 'compensated',
})

export const skippedStep = (from: StepState, at: Instant): StepSkippedState => ({
  status: 'skipped',
  attempts: from.attempts,
  attemptsSinceReset: from.attemptsSinceReset,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: from.lastFailure,
  lastFailedAt: from.lastFailedAt,
  closeBy: from.closeBy,
  reported: from.reported,
})

export const cancelledStep = (from: StepState, at: Instant): StepCancelledState => ({
  status: 'cancelled',
  attempts: from.attempts,
  attemptsSinceReset: from.attemptsSinceReset,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: from.lastFailure,
  lastFailedAt: from.lastFailedAt,
  closeBy: from.closeBy,
  reported: from.reported,
  worker: from.status === 'in_progress' ? from.worker : undefined,
})

/** A step that failed before a worker had its attempt. */
export const failedUnstarted = (from: StepState, failure: Failure, at: Instant): StepError => ({
  ...historyOf(from, at),
  status: 'error',
  lastFailure: failure,
  lastFailedAt: at,
  worker: undefined,
})

/** A step whose times stood still from an instant on, and run again. */
export const runningAgain = (step: StepState, pausedAt: Instant, spec: StepTimes, at: Instant): StepState => {
  const closeBy = shifted(step.closeBy, spec.scheduleToCloseMs, pausedAt, at)
  if (step.status !== 'enqueued') return closeBy === step.closeBy ? step : { ...step, closeBy }
  const startBy = shifted(step.startBy, spec.scheduleToStartMs, pausedAt, at)
  return closeBy === step.closeBy && startBy === step.startBy ? step : { ...step, closeBy, startBy }
}

/** Later by as much of the pause as the time had been running. */
const shifted = (
  by: Instant | undefined,
  spanMs: DurationMs | undefined,
  pausedAt: Instant,
  at: Instant,
): Instant | undefined => {
  if (by === undefined || spanMs === undefined) return by
  return later(by, durationMs(at - Math.max(pausedAt, by - spanMs)))
}

/** A failed step that begins again: a new budget, and numbers that go on. */
export const resetStep = (from: StepState, at: Instant): StepPending => ({
  ...historyOf(from, at),
  status: 'pending',
  attemptsSinceReset: 0,
  closeBy: undefined,
})

export const resolvedStep = (from: StepState, at: Instant): StepResolvedManuallyState => ({
  ...historyOf(from, at),
  status: 'resolved_manually',
})

/** A person gave the output, whoever may have run it. */
export const completedByHand = (from: StepState, output: JsonText, at: Instant): StepComplete => ({
  ...historyOf(from, at),
  status: 'complete',
  worker: undefined,
  output,
})

export const compensatedByHand = (from: StepState, output: JsonText, at: Instant): StepCompensated => ({
  ...completedByHand(from, output, at),
  status: 'compensated',
})

/** What the step takes with it into a state that a person puts it in. An attempt that was announced and never given out is none. */
const historyOf = (from: StepState, at: Instant): Omit<StepPending, 'status'> => ({
  attempts: attemptsStarted(from),
  attemptsSinceReset: from.attemptsSinceReset,
  ignored: from.ignored,
  since: at,
  firstStartedAt: from.firstStartedAt,
  lastStartedAt: from.lastStartedAt,
  lastFailure: from.lastFailure,
  lastFailedAt: from.lastFailedAt,
  closeBy: from.closeBy,
  reported: from.reported,
})

/** The same step, which has recorded that a result of this attempt was ignored; the latest are remembered. Rare, so a spread is good enough. */
export const withIgnored = (from: StepState, attempt: number): StepState => ({
  ...from,
  ignored: [...from.ignored, attempt].sort((a, b) => a - b).slice(-LIMITS.ignoredAttemptsKeptMax),
})

/** A late result of the attempt was recorded, or it is so old that nobody remembers. */
export const wasIgnored = ({ ignored }: StepState, attempt: number): boolean =>
  ignored.includes(attempt) || (ignored.length >= LIMITS.ignoredAttemptsKeptMax && attempt < (ignored[0] ?? 0))

/** The reports to remember once this one came too. */
export const reportedWith = (from: StepInProgress, failure: Failure): readonly ReportedFailure[] => [
  ...from.reported.slice(1 - LIMITS.reportedFailuresKeptMax),
  { attempt: from.attempts, worker: from.worker, failure },
]
