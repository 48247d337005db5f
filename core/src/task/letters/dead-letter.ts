/**
 * A dead letter: a task that a person should look at, from the moment it needs one until it goes on, ends, or is resolved.
 *
 * L1  At most one entry of a task is pending.
 * L2  An entry never changes its task. The task's own progress resolves it: what it was opened for is no longer so, or the task has ended.
 */
import type { StepId } from '../../kernel/ids.js'
import type { DurationMs, Instant } from '../../kernel/instant.js'
import type { JsonText } from '../../kernel/json.js'
import type { WatchedState } from '../../template/lifecycle.js'

/**
 * `dependency_cycle_detected` is a word of the original: a template with a cycle cannot be registered, so nothing produces it.
 * `permanent_failure` is ours: a step failed in a way that no attempt would help.
 */
export type DeadLetterReason =
  | 'staleness_timeout'
  | 'max_retries_exceeded'
  | 'permanent_failure'
  | 'worker_unavailable'
  | 'manual_dlq'
  | 'dependency_cycle_detected'

export type DeadLetterStatus = 'pending' | 'manually_resolved' | 'permanently_failed' | 'cancelled'

export const DEAD_LETTER_STATUSES = [
  'pending',
  'manually_resolved',
  'permanently_failed',
  'cancelled',
] as const satisfies readonly DeadLetterStatus[]

export const DEAD_LETTER_REASONS = [
  'staleness_timeout',
  'max_retries_exceeded',
  'permanent_failure',
  'worker_unavailable',
  'manual_dlq',
  'dependency_cycle_detected',
] as const satisfies readonly DeadLetterReason[]

/** What the entry is about: when that is no longer so, the entry is resolved. */
export type LetterSubject =
  | { readonly type: 'task' }
  /** Steps that failed for good. */
  | { readonly type: 'failed'; readonly steps: readonly StepId[] }
  | StaleSubject
  /** An attempt that no worker takes. */
  | { readonly type: 'queued'; readonly step: StepId; readonly attempt: number }

export interface StaleSubject {
  readonly type: 'stale'
  readonly state: WatchedState
  /** Undefined for the task as a whole. */
  readonly step: StepId | undefined
  readonly since: Instant
  readonly thresholdMs: DurationMs
}

/** The task as it was when the entry was opened; steps that failed, run or wait, in plan order. */
export interface LetterSnapshot {
  readonly counts: { readonly [status: string]: number }
  readonly steps: readonly {
    readonly step: StepId
    readonly status: string
    readonly attempts: number
    readonly failure: string | undefined
  }[]
  /** Steps of that kind beyond `LIMITS.deadLetterSnapshotStepsMax`. */
  readonly moreSteps: number
}

export interface DeadLetter {
  /** 1 for the first entry of the task. */
  readonly entry: number
  readonly reason: DeadLetterReason
  readonly status: DeadLetterStatus
  /** The status people were shown of the task. A text here, because that type is made of the state this stands in. */
  readonly originalState: string
  readonly subject: LetterSubject
  readonly openedAt: Instant
  readonly resolvedAt: Instant | undefined
  /** The person who said so last; `engine` for an entry that its task's progress resolved. */
  readonly resolvedBy: string | undefined
  readonly notes: string | undefined
  readonly metadata: JsonText | undefined
  readonly snapshot: LetterSnapshot
}

/** The dead letters of a task, and what of its going stale was told already. */
export interface DeadLetters {
  /** Entries there ever were. */
  readonly opened: number
  /** The latest, oldest first; at most `LIMITS.deadLettersKeptMax`. */
  readonly entries: readonly DeadLetter[]
  readonly told: readonly StaleSubject[]
}

/** Shared by all tasks that never had one: looking for it is comparing a reference. */
export const NO_DEAD_LETTERS: DeadLetters = { opened: 0, entries: [], told: [] }

export const pendingLetter = ({ entries }: DeadLetters): DeadLetter | undefined =>
  entries.find((letter) => letter.status === 'pending')

/** The id people use: the task's id and the number of the entry. */
export const letterId = (taskId: string, entry: number): string => `${taskId}-${entry}`
