/** The words of an explanation. The union of reasons is open: what a task can wait for grows with what tasks can do. */
import type { Instant } from '../kernel/instant.js'
import type { HandlerName, StepId, TaskId } from '../kernel/ids.js'
import type { Shown } from '../kernel/shown.js'
import type { StepStatus } from '../task/state.js'

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
  'timer',
  'signal',
  'divergence',
  'child',
  'call',
] as const

/** What a step waits for, for programs. */
export type WaitReason = (typeof WAIT_REASONS)[number]

export const TASK_REASONS = [
  'start_time',
  'paused',
  'cancelling',
  'compensating',
  'blocked',
  'diverged',
  'dead_letter',
  'stale',
] as const

/** What holds a task as a whole, or wants a person's look at it. */
export type TaskReasonName = (typeof TASK_REASONS)[number]

/** What is said of a wait. */
export interface Wait<Reason extends string> {
  readonly reason: Reason
  /** One sentence for people. */
  readonly why: string
  /** What would make it go on. */
  readonly unblockedBy: string
  /** When that happens by itself, where a time is known. */
  readonly until: Instant | undefined
  /** What a person can type; none as of a moment of the past. */
  readonly commands: readonly string[]
}

export type TaskReason = Wait<TaskReasonName>

/** Who has a place of a key. */
export interface KeyPlaceHolder {
  readonly taskId: TaskId
  readonly step: StepId
  readonly attempt: number
  readonly since: Instant
  /** Known of a rate's place once its attempt has started. */
  readonly freeAt: Instant | undefined
}

/** What a condition read. */
export interface ConditionInput {
  readonly path: string
  /** Undefined when there is no such value. */
  readonly value: Shown | undefined
}

/** A step of a chain of reasons. */
export interface ChainLink {
  readonly step: StepId
  readonly status: StepStatus
  /** `running` for an attempt that is with a worker. */
  readonly reason: WaitReason | 'running' | 'ended'
  readonly why: string
  readonly waitsFor: readonly StepId[]
}

export interface Chain {
  /** What the steps waited for wait for themselves, the nearest first; each step once. */
  readonly chain: readonly ChainLink[]
  /** Those of the chain that wait for no other step. */
  readonly rootCauses: readonly StepId[]
  /** The chain has more links than are shown. */
  readonly chainCut: boolean
}

export interface StepExplanation extends Wait<WaitReason>, Chain {
  readonly step: StepId
  readonly status: StepStatus
  /** When its status began. */
  readonly since: Instant
  /** The steps it waits for, where it waits for steps. */
  readonly waitsFor: readonly StepId[]
  /** The holders of the key it waits for, the first of them. */
  readonly heldBy: readonly KeyPlaceHolder[]
  readonly inputs: readonly ConditionInput[]
}

/** What is found out of a step by itself, without what it waits for. */
export type Told = Pick<StepExplanation, 'reason' | 'why' | 'unblockedBy'> &
  Partial<Pick<StepExplanation, 'waitsFor' | 'until' | 'heldBy' | 'inputs'>> & {
    /** A person has to see to it. */
    readonly byHand?: true
  }

/** How a step stands that waits for a key. */
export interface KeyLineSeen {
  readonly held: number
  readonly ahead: number | undefined
  readonly holders: readonly KeyPlaceHolder[]
}

/** Connected workers that offer a handler. */
export interface Offering {
  readonly workers: number
  readonly slots: number
  readonly busy: number
}

/** What the task itself does not know. */
export interface Surroundings {
  /** Since when no worker has served the queue of a handler; undefined when one does. */
  readonly unservedSince: (handler: HandlerName) => Instant | undefined
  readonly offering: (handler: HandlerName) => Offering
  /** How a step stands that waits for a key. */
  readonly keyLine: (step: StepId) => KeyLineSeen | undefined
}
