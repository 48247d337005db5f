/**
 * The facts of a schedule's stream.
 *
 * C1  A nominal time that came is fired, buffered, skipped or missed, once; while the schedule is paused it is none of them.
 * C2  A firing has an id of its own for ever: the nominal time, or the number of the trigger. Its task is found by it.
 */
import type { TaskId } from '../kernel/ids.js'
import type { Instant } from '../kernel/instant.js'
import type { ScheduleDefinition } from './definition.js'

export interface ScheduleCreated {
  readonly type: 'schedule.created'
  readonly namespace: string
  readonly name: string
  readonly definition: ScheduleDefinition
}

export interface ScheduleEdited {
  readonly type: 'schedule.edited'
  readonly definition: ScheduleDefinition
}

export interface SchedulePaused {
  readonly type: 'schedule.paused'
  readonly note: string
}

export interface ScheduleResumed {
  readonly type: 'schedule.resumed'
  readonly note: string
}

/** What made a firing: its time, its turn after a wait, a person, or a person who asked for a range. */
export const FIRED_BY = ['time', 'buffer', 'trigger', 'backfill'] as const
export type FiredBy = (typeof FIRED_BY)[number]

export interface ScheduleFired {
  readonly type: 'schedule.fired'
  readonly firing: string
  readonly nominalAt: Instant
  readonly by: FiredBy
  /** The template of its task, as it was then. */
  readonly template: string
  readonly version?: string
}

/** The task of a firing is there. */
export interface ScheduleTaskStarted {
  readonly type: 'schedule.task_started'
  readonly firing: string
  readonly taskId: TaskId
}

/** The task of a firing was refused. */
export interface ScheduleTaskRefused {
  readonly type: 'schedule.task_refused'
  readonly firing: string
  readonly reason: string
  readonly message: string
}

export const FIRING_OUTCOMES = ['completed', 'failed', 'cancelled', 'resolved_manually', 'blocked', 'unknown'] as const
export type FiringOutcome = (typeof FIRING_OUTCOMES)[number]

/** The task of a firing is over, or cannot go on without a person: it holds up no other. */
export interface ScheduleTaskEnded {
  readonly type: 'schedule.task_ended'
  readonly firing: string
  readonly outcome: FiringOutcome
}

/** A nominal time waits for the tasks that run. */
export interface ScheduleBuffered {
  readonly type: 'schedule.buffered'
  readonly nominalAt: Instant
  readonly by: FiredBy
  /** The tasks that run are to be cancelled for it. */
  readonly cancels: boolean
}

/** `running`: a task ran; `buffer_full`: as many wait as may; `replaced`: a later one waits in its place. */
export const SKIP_REASONS = ['running', 'buffer_full', 'replaced'] as const
export type SkipReason = (typeof SKIP_REASONS)[number]

export interface ScheduleSkipped {
  readonly type: 'schedule.skipped'
  readonly nominalAt: Instant
  readonly reason: SkipReason
}

/** Nominal times that nobody fired in time and that are too old now: those after one instant, up to another. */
export interface ScheduleMissed {
  readonly type: 'schedule.missed'
  readonly afterAt: Instant
  readonly untilAt: Instant
  /** How many; counted up to a limit. */
  readonly count: number
}

/** Somebody asked for the nominal times of a range of the past. */
export interface ScheduleBackfilled {
  readonly type: 'schedule.backfilled'
  readonly fromAt: Instant
  readonly untilAt: Instant
  readonly count: number
}

export interface ScheduleDeleted {
  readonly type: 'schedule.deleted'
}

export type ScheduleEvent =
  | ScheduleCreated
  | ScheduleEdited
  | SchedulePaused
  | ScheduleResumed
  | ScheduleFired
  | ScheduleTaskStarted
  | ScheduleTaskRefused
  | ScheduleTaskEnded
  | ScheduleBuffered
  | ScheduleSkipped
  | ScheduleMissed
  | ScheduleBackfilled
  | ScheduleDeleted
