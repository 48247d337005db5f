/** When a schedule fires: cron expressions, intervals and calendars, all of them together, in one time zone. */
import type { DurationMs, Instant } from '../kernel/instant.js'

/** Every so often, counted from 1970 in UTC and moved by the phase. */
export interface IntervalSpec {
  readonly everyMs: DurationMs
  readonly phaseMs: DurationMs
}

/** Lists of numbers; a month, day or weekday that is not said is every one, an hour, minute or second that is not said is 0. */
export interface CalendarSpec {
  /** 1 to 12. */
  readonly months?: readonly number[]
  /** 1 to 31. */
  readonly daysOfMonth?: readonly number[]
  /** 0 to 6, from Sunday on. A day must be in both lists where both are given. */
  readonly weekdays?: readonly number[]
  readonly hours?: readonly number[]
  readonly minutes?: readonly number[]
  readonly seconds?: readonly number[]
}

export interface ScheduleSpec {
  /** Five fields, or six with the seconds first. */
  readonly cron: readonly string[]
  readonly intervals: readonly IntervalSpec[]
  readonly calendars: readonly CalendarSpec[]
  /** Of the IANA database. */
  readonly timeZone: string
  /** Each firing is moved by up to this, always by the same for the same nominal time, and never past the next one. */
  readonly jitterMs: DurationMs
  /** No nominal time before. */
  readonly startAt?: Instant
  /** No nominal time after. */
  readonly endAt?: Instant
}
