/** What a schedule is told to do: when, which task, and what becomes of firings that meet. */
import type { DurationMs } from '../kernel/instant.js'
import type { JsonText } from '../kernel/json.js'
import type { ScheduleSpec } from './spec.js'

/**
 * What becomes of a firing while the task of an earlier one runs: it is left out; it waits, one or all of them; it waits for the earlier one to
 * be cancelled; it starts all the same.
 */
export const OVERLAPS = ['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'allow'] as const
export type Overlap = (typeof OVERLAPS)[number]

/** The task that a firing starts, in the namespace of the schedule. */
export interface ScheduledTask {
  readonly name: string
  /** The latest at each firing when undefined. */
  readonly version?: string
  readonly context: JsonText
  readonly tags: readonly string[]
  readonly priority?: number
}

export interface ScheduleDefinition {
  readonly spec: ScheduleSpec
  readonly task: ScheduledTask
  readonly overlap: Overlap
  /** Firings that nobody made in time are made up for when they are not older. */
  readonly catchUpMs: DurationMs
}
