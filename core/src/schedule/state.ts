/** A schedule as its events made it. */
import type { Namespace, TaskId } from '../kernel/ids.js'
import type { Instant } from '../kernel/instant.js'
import type { ScheduleDefinition } from './definition.js'
import type { FiredBy, FiringOutcome, SkipReason } from './events.js'

/** A firing whose task is not known to be over. */
export interface Firing {
  readonly id: string
  readonly nominalAt: Instant
  readonly by: FiredBy
  readonly firedAt: Instant
  readonly template: string
  readonly version?: string
  /** Once it is there. */
  readonly taskId?: TaskId
  /** Others wait for its end; otherwise it is forgotten once its task is there. */
  readonly holds: boolean
  /** It is to be cancelled for one that waits. */
  readonly cancelling: boolean
}

export interface Waiting {
  readonly nominalAt: Instant
  readonly by: FiredBy
}

/** What became of a firing. */
export interface PastFiring {
  readonly id: string
  readonly nominalAt: Instant
  readonly by: FiredBy
  readonly firedAt: Instant
  readonly taskId?: TaskId
  readonly outcome?: FiringOutcome
  /** Why there is no task. */
  readonly refused?: { readonly reason: string; readonly message: string }
}

export interface Skip {
  readonly nominalAt: Instant
  readonly at: Instant
  readonly reason: SkipReason | 'missed'
}

export interface ScheduleCounts {
  readonly fired: number
  readonly skipped: number
  readonly missed: number
}

export interface LiveSchedule {
  readonly namespace: Namespace
  readonly name: string
  readonly definition: ScheduleDefinition
  readonly createdAt: Instant
  readonly editedAt: Instant
  readonly paused?: { readonly at: Instant; readonly note: string }
  /** What becomes of the nominal times up to here is decided. */
  readonly decidedUpTo: Instant
  readonly firings: readonly Firing[]
  readonly waiting: readonly Waiting[]
  /** The last of them, the oldest first. */
  readonly lastFirings: readonly PastFiring[]
  readonly lastSkips: readonly Skip[]
  readonly counts: ScheduleCounts
  readonly triggers: number
}

export interface ScheduleState {
  /** How often a schedule of this name was created: a new one has nothing of the one before. */
  readonly generation: number
  /** Undefined when there is none, or none any more. */
  readonly live: LiveSchedule | undefined
}

export const NO_SCHEDULE: ScheduleState = { generation: 0, live: undefined }
