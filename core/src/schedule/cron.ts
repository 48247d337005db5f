/**
 * Cron expressions by the library that knows them: the next time after an instant, from nothing but the expression and the time zone.
 *
 * A time that a day skips (spring) is moved to the first moment after the gap; one that a day has twice (autumn) fires the first time. An
 * expression with every hour goes by real hours: it fires in both halves of the repeated hour.
 */
import { Cron } from 'croner'
import { type Instant, instant } from '../kernel/instant.js'
import type { CalendarSpec } from './spec.js'

/** The first time strictly after an instant. */
export type NextTime = (after: Instant) => Instant | undefined

type DayRule = 'either_day' | 'both_days'

/** Throws what the library says of an expression it cannot read. */
export const cronTimes = (expression: string, timeZone: string, days: DayRule = 'either_day'): NextTime => {
  const cron = new Cron(expression, { timezone: timeZone, paused: true, domAndDow: days === 'both_days', mode: '5-or-6-parts' })
  return (after) => {
    const next = cron.nextRun(new Date(after))
    return next === null ? undefined : instant(next.getTime())
  }
}

/** A calendar is a cron expression of lists. */
export const calendarTimes = (calendar: CalendarSpec, timeZone: string): NextTime => {
  const { months, daysOfMonth, weekdays, hours = [0], minutes = [0], seconds = [0] } = calendar
  const every = (list: readonly number[] | undefined): string => list?.join(',') ?? '*'
  const fields = [seconds.join(','), minutes.join(','), hours.join(','), every(daysOfMonth), every(months), every(weekdays)]
  return cronTimes(fields.join(' '), timeZone, 'both_days')
}

/** Why an expression cannot be used; undefined when it can. */
export const cronProblem = (expression: string): string | undefined => {
  try {
    cronTimes(expression, 'UTC')
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
  }
}
