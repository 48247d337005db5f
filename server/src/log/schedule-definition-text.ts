/** A schedule's definition as the log and the rows keep it, and back; its context stays the text that was received. */
import {
  type CalendarSpec,
  durationMs,
  instant,
  type IntervalSpec,
  type JsonText,
  OVERLAPS,
  type ScheduleDefinition,
} from '@tasker/core'
import { z } from 'zod'

/** Without the context, which is kept beside it byte for byte. */
export const definitionText = ({ task, ...definition }: ScheduleDefinition): string =>
  JSON.stringify({ ...definition, task: { ...task, context: undefined } })

const ms = z.number().transform(durationMs)
const at = z.number().transform(instant)
const numbers = z.array(z.number()).exactOptional()

const CALENDAR = z.object({
  months: numbers,
  daysOfMonth: numbers,
  weekdays: numbers,
  hours: numbers,
  minutes: numbers,
  seconds: numbers,
}) satisfies z.ZodType<CalendarSpec>

const INTERVAL = z.object({ everyMs: ms, phaseMs: ms }) satisfies z.ZodType<IntervalSpec>

const DEFINITION = z.object({
  spec: z.object({
    cron: z.array(z.string()),
    intervals: z.array(INTERVAL),
    calendars: z.array(CALENDAR),
    timeZone: z.string(),
    jitterMs: ms,
    startAt: at.exactOptional(),
    endAt: at.exactOptional(),
  }),
  task: z.object({
    name: z.string(),
    version: z.string().exactOptional(),
    tags: z.array(z.string()),
    priority: z.number().exactOptional(),
  }),
  overlap: z.enum(OVERLAPS),
  catchUpMs: ms,
})

/** Throws when the text is no definition. */
export const parseDefinition = (text: string, context: JsonText): ScheduleDefinition => {
  const { task, ...definition } = DEFINITION.parse(JSON.parse(text))
  return { ...definition, task: { ...task, context } }
}
