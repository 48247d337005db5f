/** Definitions of schedules for tests, and what their streams say. */
import {
  durationMs,
  jsonOf,
  LIMITS,
  type Overlap,
  type ScheduleDefinition,
  type ScheduleEvent,
  type ScheduleSpec,
} from '@tasker/core'
import { decodeScheduleEvents } from '@tasker/server/internal/log/schedule-codec'
import type { StoredCommit } from '@tasker/server/internal/log/port'

export const specOf = (fields: Partial<ScheduleSpec> = {}): ScheduleSpec => ({
  cron: [],
  intervals: [],
  calendars: [],
  timeZone: 'UTC',
  jitterMs: durationMs(0),
  ...fields,
})

export const every = (seconds: number, fields: Partial<ScheduleSpec> = {}): ScheduleSpec =>
  specOf({ intervals: [{ everyMs: durationMs(seconds * 1_000), phaseMs: durationMs(0) }], ...fields })

export const definitionOf = (
  spec: ScheduleSpec,
  overlap: Overlap = 'skip',
  fields: Partial<ScheduleDefinition> = {},
): ScheduleDefinition => ({
  spec,
  task: { name: 'order', context: jsonOf({ n: 1 }), tags: [] },
  overlap,
  catchUpMs: LIMITS.scheduleCatchUpMsDefault,
  ...fields,
})

/** All events of schedules, in order. */
export const scheduleEvents = (commits: readonly StoredCommit[]): readonly ScheduleEvent[] =>
  commits.filter(({ stream }) => stream.kind === 'schedule').flatMap(decodeScheduleEvents)
