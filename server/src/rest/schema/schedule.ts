/** Requests and answers about schedules. */
import {
  type CalendarSpec,
  durationMs,
  FIRED_BY,
  FIRING_OUTCOMES,
  type IntervalSpec,
  type JsonText,
  LIMITS,
  OVERLAPS,
  type ScheduleDefinition,
  SKIP_REASONS,
  trustedJson,
} from '@tasker/core'
import { z } from 'zod'
import { instantField, optional, plainText } from './fields.js'

const numbers = z.array(z.number().int()).max(LIMITS.scheduleTimesMax * 2)
const list = (said: string) => optional(numbers).describe(said)
const ms = (max: number) => z.number().int().min(0).max(max)

const CALENDAR = z
  .strictObject({
    months: list('1 to 12; every one when not given.'),
    days_of_month: list('1 to 31; every one when not given.'),
    weekdays: list('0 to 6, from Sunday on; every one when not given. A day must be in both lists where both are given.'),
    hours: list('0 when not given.'),
    minutes: list('0 when not given.'),
    seconds: list('0 when not given.'),
  })
  .transform(
    (calendar): CalendarSpec => ({
      ...(calendar.months === undefined ? {} : { months: calendar.months }),
      ...(calendar.days_of_month === undefined ? {} : { daysOfMonth: calendar.days_of_month }),
      ...(calendar.weekdays === undefined ? {} : { weekdays: calendar.weekdays }),
      ...(calendar.hours === undefined ? {} : { hours: calendar.hours }),
      ...(calendar.minutes === undefined ? {} : { minutes: calendar.minutes }),
      ...(calendar.seconds === undefined ? {} : { seconds: calendar.seconds }),
    }),
  )

const INTERVAL = z
  .strictObject({ every_ms: ms(Number.MAX_SAFE_INTEGER), phase_ms: optional(ms(Number.MAX_SAFE_INTEGER)) })
  .transform(({ every_ms, phase_ms }): IntervalSpec => ({ everyMs: durationMs(every_ms), phaseMs: durationMs(phase_ms ?? 0) }))

const SPEC = z.strictObject({
  cron: optional(z.array(z.string())).describe('Five fields, or six with the seconds first.'),
  intervals: optional(z.array(INTERVAL)).describe('Counted from 1970 in UTC, moved by the phase.'),
  calendars: optional(z.array(CALENDAR)),
  time_zone: optional(z.string()).describe('Of the IANA database; UTC when not given.'),
  jitter_ms: optional(ms(Number.MAX_SAFE_INTEGER)).describe('Each firing is moved by up to this.'),
  start_at: optional(instantField),
  end_at: optional(instantField),
})

const TASK = z.strictObject({
  name: plainText(),
  version: optional(plainText(LIMITS.versionCharsMax)).describe('The latest at each firing when not given.'),
  tags: optional(z.array(plainText()).max(LIMITS.tagsMax)),
  priority: optional(z.number().int().min(-LIMITS.priorityMax).max(LIMITS.priorityMax)),
})

/** The parser of bodies leaves this member as the text it was. */
const CONTEXT = z
  .custom<JsonText>((text) => typeof text === 'string' && text.startsWith('{'), { error: 'must be a JSON object' })
  .meta({ type: 'object' })

const DEFINITION = {
  spec: SPEC,
  task: TASK,
  context: optional(CONTEXT),
  overlap: optional(z.enum(OVERLAPS)).describe('skip when not given.'),
  catch_up_window_ms: optional(ms(Number.MAX_SAFE_INTEGER)).describe(
    'How old firings may be that are made up for; a day when not given.',
  ),
}

const name = plainText(LIMITS.scheduleNameCharsMax).refine((text) => !text.includes('/'), { error: 'must not hold a slash' })
const note = optional(plainText(LIMITS.scheduleNoteCharsMax))

export const SCHEDULE_EDIT = z.strictObject(DEFINITION)
export const SCHEDULE_CREATION = z.strictObject({
  namespace: plainText(),
  name,
  ...DEFINITION,
  paused: optional(z.boolean()).describe('It is created paused.'),
  note,
})
export const SCHEDULE_NOTE = z.strictObject({ note }).nullish()
export const SCHEDULE_BACKFILL = z.strictObject({ from: instantField, until: instantField })
export const SCHEDULE_PATH = z.object({ namespace: z.string(), name: z.string() })
export const SCHEDULE_QUERY = z.strictObject({ namespace: z.string().optional() })

const EMPTY = trustedJson('{}')

export const definitionOf = (body: z.output<typeof SCHEDULE_EDIT>): ScheduleDefinition => {
  const { spec, task } = body
  return {
    spec: {
      cron: spec.cron ?? [],
      intervals: spec.intervals ?? [],
      calendars: spec.calendars ?? [],
      timeZone: spec.time_zone ?? 'UTC',
      jitterMs: durationMs(spec.jitter_ms ?? 0),
      ...(spec.start_at === undefined ? {} : { startAt: spec.start_at }),
      ...(spec.end_at === undefined ? {} : { endAt: spec.end_at }),
    },
    task: {
      name: task.name,
      ...(task.version === undefined ? {} : { version: task.version }),
      tags: task.tags ?? [],
      ...(task.priority === undefined ? {} : { priority: task.priority }),
      context: body.context ?? EMPTY,
    },
    overlap: body.overlap ?? 'skip',
    catchUpMs: durationMs(body.catch_up_window_ms ?? LIMITS.scheduleCatchUpMsDefault),
  }
}

const at = z.iso.datetime()

const FIRING = z.object({
  firing: z.string().describe('Its nominal time, or the number of its trigger.'),
  nominal_at: at,
  by: z.enum(FIRED_BY),
  fired_at: at,
  task_id: z.string().nullable(),
  outcome: z.enum(FIRING_OUTCOMES).nullable(),
  refused: z.object({ reason: z.string(), message: z.string() }).nullable(),
})

export const SCHEDULE = z.object({
  namespace: z.string(),
  name: z.string(),
  paused: z.boolean(),
  paused_at: at.nullable(),
  note: z.string().nullable(),
  spec: z.looseObject({}),
  task: z.looseObject({ name: z.string() }),
  context: z.looseObject({}),
  overlap: z.enum(OVERLAPS),
  catch_up_window_ms: z.number().int(),
  created_at: at,
  edited_at: at,
  stream_version: z.number().int(),
  next: z.array(z.object({ nominal_at: at, due_at: at })),
  running: z.array(FIRING.pick({ firing: true, nominal_at: true, fired_at: true, task_id: true })),
  waiting: z.array(z.object({ nominal_at: at })),
  last_firings: z.array(FIRING).describe('The last of them, the newest first.'),
  last_skips: z
    .array(z.object({ nominal_at: at, at, reason: z.enum([...SKIP_REASONS, 'missed']) }))
    .describe('The last of them, the newest first. `missed` is a stretch that ends at its nominal time.'),
  fired: z.number().int(),
  skipped: z.number().int(),
  missed: z.number().int(),
})

export const SCHEDULE_GONE = z.null().describe('It is gone.')

export const SCHEDULE_LIST = z.object({ schedules: z.array(SCHEDULE) })
