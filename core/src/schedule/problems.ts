/** What is wrong with a definition that has the right form. */
import { LIMITS } from '../limits.js'
import { cronProblem } from './cron.js'
import type { ScheduleDefinition } from './definition.js'
import { nextNominal } from './next.js'
import type { CalendarSpec, ScheduleSpec } from './spec.js'
import { instant } from '../kernel/instant.js'

export type ScheduleProblemCode = 'INVALID_CRON' | 'UNKNOWN_TIME_ZONE' | 'INVALID_SCHEDULE'

export interface ScheduleProblem {
  readonly code: ScheduleProblemCode
  readonly message: string
  /** JSON Pointer into the definition. */
  readonly path: string
}

/** Every problem of a definition; it can be used when there is none. */
export const scheduleProblems = (definition: ScheduleDefinition): readonly ScheduleProblem[] => {
  const { spec } = definition
  const problems = [...zoneProblems(spec), ...cronProblems(spec), ...intervalProblems(spec), ...calendarProblems(spec)]
  problems.push(...countProblems(spec), ...rangeProblems(definition))
  if (problems.length === 0 && nextNominal(spec, instant(spec.startAt ?? 0)) === undefined)
    problems.push(invalid('/spec', 'it never fires: no time fits it'))
  return problems
}

const invalid = (path: string, message: string): ScheduleProblem => ({ code: 'INVALID_SCHEDULE', path, message })

const zoneProblems = ({ timeZone }: ScheduleSpec): readonly ScheduleProblem[] => {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return []
  } catch {
    const message = `${JSON.stringify(timeZone)} is no time zone of the IANA database; say for example Europe/Berlin`
    return [{ code: 'UNKNOWN_TIME_ZONE', path: '/spec/time_zone', message }]
  }
}

const cronProblems = ({ cron }: ScheduleSpec): readonly ScheduleProblem[] =>
  cron.flatMap((expression, index): ScheduleProblem[] => {
    const path = `/spec/cron/${index}`
    if (expression.length > LIMITS.cronCharsMax)
      return [{ code: 'INVALID_CRON', path, message: `it has more than ${LIMITS.cronCharsMax} characters` }]
    const problem = cronProblem(expression)
    return problem === undefined ? [] : [{ code: 'INVALID_CRON', path, message: `${JSON.stringify(expression)}: ${problem}` }]
  })

const intervalProblems = ({ intervals }: ScheduleSpec): readonly ScheduleProblem[] =>
  intervals.flatMap(({ everyMs, phaseMs }, index) => {
    const path = `/spec/intervals/${index}`
    if (everyMs < LIMITS.scheduleIntervalMsMin) return [invalid(path, `every is less than ${LIMITS.scheduleIntervalMsMin} ms`)]
    return phaseMs >= everyMs ? [invalid(path, 'the phase is not less than the interval')] : []
  })

type Field = Exclude<keyof CalendarSpec, undefined>

const FIELDS: readonly { readonly field: Field; readonly name: string; readonly min: number; readonly max: number }[] = [
  { field: 'months', name: 'months', min: 1, max: 12 },
  { field: 'daysOfMonth', name: 'days_of_month', min: 1, max: 31 },
  { field: 'weekdays', name: 'weekdays', min: 0, max: 6 },
  { field: 'hours', name: 'hours', min: 0, max: 23 },
  { field: 'minutes', name: 'minutes', min: 0, max: 59 },
  { field: 'seconds', name: 'seconds', min: 0, max: 59 },
]

const calendarProblems = ({ calendars }: ScheduleSpec): readonly ScheduleProblem[] =>
  calendars.flatMap((calendar, index) =>
    FIELDS.flatMap(({ field, name, min, max }) => {
      const list = calendar[field]
      if (list === undefined) return []
      const path = `/spec/calendars/${index}/${name}`
      if (list.length === 0) return [invalid(path, 'the list is empty; leave it out')]
      const fits = list.every((value) => Number.isInteger(value) && value >= min && value <= max)
      return fits ? [] : [invalid(path, `its numbers go from ${min} to ${max}`)]
    }),
  )

const countProblems = ({ cron, intervals, calendars }: ScheduleSpec): readonly ScheduleProblem[] => {
  const count = cron.length + intervals.length + calendars.length
  if (count === 0) return [invalid('/spec', 'it has no cron expression, no interval and no calendar')]
  return count > LIMITS.scheduleTimesMax ? [invalid('/spec', `it has more than ${LIMITS.scheduleTimesMax} parts`)] : []
}

const rangeProblems = ({ spec, catchUpMs }: ScheduleDefinition): readonly ScheduleProblem[] => {
  const problems: ScheduleProblem[] = []
  const { startAt, endAt, jitterMs } = spec
  if (startAt !== undefined && endAt !== undefined && endAt < startAt)
    problems.push(invalid('/spec/end_at', 'it ends before it starts'))
  if (jitterMs > LIMITS.scheduleJitterMsMax)
    problems.push(invalid('/spec/jitter_ms', `it is above ${LIMITS.scheduleJitterMsMax}`))
  if (catchUpMs > LIMITS.scheduleCatchUpMsMax)
    problems.push(invalid('/catch_up_window_ms', `it is above ${LIMITS.scheduleCatchUpMsMax}`))
  return problems
}
