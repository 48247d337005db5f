/** The nominal times of a spec, and when each is due. */
import { durationMs, type DurationMs, type Instant, instant, later } from '../kernel/instant.js'
import { calendarTimes, cronTimes, type NextTime } from './cron.js'
import type { IntervalSpec, ScheduleSpec } from './spec.js'

/** What was read of a spec, so that it is read once. */
const READ = new WeakMap<ScheduleSpec, readonly NextTime[]>()

/** The first nominal time strictly after an instant. */
export const nextNominal = (spec: ScheduleSpec, after: Instant): Instant | undefined => {
  const from = spec.startAt === undefined ? after : instant(Math.max(after, spec.startAt - 1))
  let first: Instant | undefined
  for (const next of timesOf(spec)) {
    const at = next(from)
    if (at !== undefined && (first === undefined || at < first)) first = at
  }
  return first === undefined || (spec.endAt !== undefined && first > spec.endAt) ? undefined : first
}

/** The nominal times in a range, its end with it and its start without; of more than `max` the first. */
export const nominalTimes = (spec: ScheduleSpec, after: Instant, until: Instant, max: number): readonly Instant[] => {
  const times: Instant[] = []
  for (let at = nextNominal(spec, after); at !== undefined && at <= until && times.length < max; at = nextNominal(spec, at))
    times.push(at)
  return times
}

/** How far a firing is moved: the same for the same schedule and nominal time, and never past the next one. */
export const jitterOf = (schedule: string, spec: ScheduleSpec, nominalAt: Instant): DurationMs => {
  if (spec.jitterMs === 0) return durationMs(0)
  const next = nextNominal(spec, nominalAt)
  const widest = next === undefined ? spec.jitterMs : Math.min(spec.jitterMs, next - nominalAt - 1)
  return durationMs(fractionOf(`${schedule} ${nominalAt}`) * widest)
}

/** The instant at which a nominal time is due. */
export const dueAt = (schedule: string, spec: ScheduleSpec, nominalAt: Instant): Instant =>
  later(nominalAt, jitterOf(schedule, spec, nominalAt))

const timesOf = (spec: ScheduleSpec): readonly NextTime[] => {
  const known = READ.get(spec)
  if (known !== undefined) return known
  const { cron, intervals, calendars, timeZone } = spec
  const times = [
    ...cron.map((expression) => cronTimes(expression, timeZone)),
    ...calendars.map((calendar) => calendarTimes(calendar, timeZone)),
    ...intervals.map(intervalTimes),
  ]
  READ.set(spec, times)
  return times
}

const intervalTimes =
  ({ everyMs, phaseMs }: IntervalSpec): NextTime =>
  (after) =>
    instant((Math.floor((after - phaseMs) / everyMs) + 1) * everyMs + phaseMs)

/** FNV-1a, with its bits mixed once more (Murmur3's end), as a fraction of 1. */
const fractionOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
