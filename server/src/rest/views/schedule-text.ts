/** A schedule as JSON text. */
import { type CalendarSpec, type Instant, instantText, type Json, type JsonText, jsonOf, type ScheduleSpec } from '@tasker/core'
import type { ScheduleInfo } from '../../engine/api.js'
import { arrayText, atOrNull, objectText, textOrNull } from '../json-text.js'

export const scheduleListText = (infos: readonly ScheduleInfo[]): JsonText =>
  objectText({ schedules: arrayText(infos.map(scheduleText)) })

export const scheduleText = ({ schedule, version, next }: ScheduleInfo): JsonText => {
  const { definition, paused, counts } = schedule
  const { context, ...task } = definition.task
  return objectText({
    namespace: jsonOf(schedule.namespace),
    name: jsonOf(schedule.name),
    paused: jsonOf(paused !== undefined),
    paused_at: atOrNull(paused?.at),
    note: textOrNull(paused?.note),
    spec: jsonOf(specJson(definition.spec)),
    task: jsonOf({ name: task.name, version: task.version ?? null, tags: [...task.tags], priority: task.priority ?? null }),
    context,
    overlap: jsonOf(definition.overlap),
    catch_up_window_ms: jsonOf(definition.catchUpMs),
    created_at: at(schedule.createdAt),
    edited_at: at(schedule.editedAt),
    stream_version: jsonOf(version),
    next: jsonOf(next.map(({ nominalAt, dueAt }) => ({ nominal_at: instantText(nominalAt), due_at: instantText(dueAt) }))),
    running: jsonOf(
      schedule.firings.map(({ id, nominalAt, firedAt, taskId }) => ({
        firing: id,
        nominal_at: instantText(nominalAt),
        fired_at: instantText(firedAt),
        task_id: taskId ?? null,
      })),
    ),
    waiting: jsonOf(schedule.waiting.map(({ nominalAt }) => ({ nominal_at: instantText(nominalAt) }))),
    last_firings: jsonOf(
      schedule.lastFirings.toReversed().map(({ id, nominalAt, by, firedAt, taskId, outcome, refused }) => ({
        firing: id,
        nominal_at: instantText(nominalAt),
        by,
        fired_at: instantText(firedAt),
        task_id: taskId ?? null,
        outcome: outcome ?? null,
        refused: refused === undefined ? null : { reason: refused.reason, message: refused.message },
      })),
    ),
    last_skips: jsonOf(
      schedule.lastSkips
        .toReversed()
        .map((skip) => ({ nominal_at: instantText(skip.nominalAt), at: instantText(skip.at), reason: skip.reason })),
    ),
    fired: jsonOf(counts.fired),
    skipped: jsonOf(counts.skipped),
    missed: jsonOf(counts.missed),
  })
}

const at = (value: Instant): JsonText => jsonOf(instantText(value))

const specJson = ({ cron, intervals, calendars, timeZone, jitterMs, startAt, endAt }: ScheduleSpec): Json => ({
  cron: [...cron],
  intervals: intervals.map(({ everyMs, phaseMs }) => ({ every_ms: everyMs, phase_ms: phaseMs })),
  calendars: calendars.map(calendarJson),
  time_zone: timeZone,
  jitter_ms: jitterMs,
  start_at: startAt === undefined ? null : instantText(startAt),
  end_at: endAt === undefined ? null : instantText(endAt),
})

const NAMES = [
  ['months', 'months'],
  ['daysOfMonth', 'days_of_month'],
  ['weekdays', 'weekdays'],
  ['hours', 'hours'],
  ['minutes', 'minutes'],
  ['seconds', 'seconds'],
] as const satisfies readonly (readonly [keyof CalendarSpec, string])[]

const calendarJson = (calendar: CalendarSpec): Json =>
  Object.fromEntries(NAMES.flatMap(([field, name]) => (calendar[field] === undefined ? [] : [[name, [...calendar[field]]]])))
