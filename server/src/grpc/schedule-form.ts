/** The wall for definitions of schedules: messages to what the core knows, and back. */
import {
  type CalendarSpec,
  durationMs,
  instant,
  type JsonText,
  LIMITS,
  OVERLAPS,
  type Overlap,
  type ScheduleDefinition,
  type ScheduleSpec,
  trustedJson,
  unreachable,
} from '@tasker/core'
import {
  type ScheduleCalendar,
  type ScheduleDefinition as WireDefinition,
  type ScheduledTask as WireTask,
  ScheduleOverlap,
  type ScheduleSpec as WireSpec,
} from '@tasker/proto'
import { Fault, type InputProblem } from '../faults.js'
import { invalidFields } from './input-faults.js'
import { payloadOf, readPayload } from './payload.js'
import { checkText, requireText } from './text-fields.js'

const WIRE_OVERLAPS: { readonly [Name in Overlap]: ScheduleOverlap } = {
  skip: ScheduleOverlap.SCHEDULE_OVERLAP_SKIP,
  buffer_one: ScheduleOverlap.SCHEDULE_OVERLAP_BUFFER_ONE,
  buffer_all: ScheduleOverlap.SCHEDULE_OVERLAP_BUFFER_ALL,
  cancel_other: ScheduleOverlap.SCHEDULE_OVERLAP_CANCEL_OTHER,
  allow: ScheduleOverlap.SCHEDULE_OVERLAP_ALLOW,
}

const EMPTY = trustedJson('{}')

/** Throws with every field that does not fit. */
export const readDefinition = (wire: WireDefinition | undefined): ScheduleDefinition => {
  const problems: InputProblem[] = []
  const task = wire?.task
  if (task === undefined) problems.push({ code: 'MISSING_FIELD', path: '/task', message: 'task is missing' })
  else checkTask(problems, task)
  const overlap = overlapOf(wire?.overlap ?? ScheduleOverlap.SCHEDULE_OVERLAP_UNSPECIFIED)
  if (overlap === undefined)
    problems.push({ code: 'OUT_OF_RANGE', path: '/overlap', message: 'overlap has a value this server does not know' })
  const context = contextOf(problems, task)
  if (problems.length > 0 || task === undefined || overlap === undefined) throw new Fault(invalidFields(problems))
  return {
    spec: specOf(wire?.spec),
    task: {
      name: task.name,
      ...(task.version === '' ? {} : { version: task.version }),
      tags: task.tags,
      ...(task.priority === undefined ? {} : { priority: task.priority }),
      context,
    },
    overlap,
    catchUpMs: durationMs(wire?.catchUpWindowMs ?? LIMITS.scheduleCatchUpMsDefault),
  }
}

const checkTask = (problems: InputProblem[], { name, version, tags, priority }: WireTask): void => {
  requireText(problems, '/task/name', name)
  checkText(problems, '/task/version', version, LIMITS.versionCharsMax)
  if (tags.length > LIMITS.tagsMax)
    problems.push({ code: 'OUT_OF_RANGE', path: '/task/tags', message: `${tags.length} tags; ${LIMITS.tagsMax} are allowed` })
  else tags.forEach((tag, index) => requireText(problems, `/task/tags/${index}`, tag))
  if (priority !== undefined && Math.abs(priority) > LIMITS.priorityMax)
    problems.push({ code: 'OUT_OF_RANGE', path: '/task/priority', message: `priority is outside ±${LIMITS.priorityMax}` })
}

const overlapOf = (wire: ScheduleOverlap): Overlap | undefined =>
  wire === ScheduleOverlap.SCHEDULE_OVERLAP_UNSPECIFIED ? 'skip' : OVERLAPS.find((name) => WIRE_OVERLAPS[name] === wire)

const contextOf = (problems: InputProblem[], task: WireTask | undefined): JsonText => {
  if (task?.context === undefined || task.context.data.length === 0) return EMPTY
  const read = readPayload(task.context, LIMITS.contextBytesMax, 'the context')
  switch (read.type) {
    case 'json':
      if (!read.text.trimStart().startsWith('{'))
        problems.push({ code: 'WRONG_TYPE', path: '/context', message: 'the context is no JSON object' })
      return read.text
    case 'too_large':
      throw new Fault({ code: 'TOO_LARGE', reason: 'CONTEXT_TOO_LARGE', message: read.message })
    case 'encoding':
      throw new Fault({ code: 'INVALID_INPUT', reason: 'ENCODING_NOT_SUPPORTED', message: read.message })
    case 'not_json':
      problems.push({ ...read.problem, path: `/context${read.problem.path}` })
      return EMPTY
    default:
      return unreachable(read)
  }
}

const specOf = (wire: WireSpec | undefined): ScheduleSpec => ({
  cron: wire?.cron ?? [],
  intervals: (wire?.intervals ?? []).map(({ everyMs, phaseMs }) => ({
    everyMs: durationMs(everyMs),
    phaseMs: durationMs(phaseMs),
  })),
  calendars: (wire?.calendars ?? []).map(calendarOf),
  timeZone: wire === undefined || wire.timeZone === '' ? 'UTC' : wire.timeZone,
  jitterMs: durationMs(wire?.jitterMs ?? 0),
  ...(wire === undefined || wire.startAtMs === 0 ? {} : { startAt: instant(wire.startAtMs) }),
  ...(wire === undefined || wire.endAtMs === 0 ? {} : { endAt: instant(wire.endAtMs) }),
})

/** An empty list is one that was not given. */
const calendarOf = (wire: ScheduleCalendar): CalendarSpec => ({
  ...(wire.months.length === 0 ? {} : { months: wire.months }),
  ...(wire.daysOfMonth.length === 0 ? {} : { daysOfMonth: wire.daysOfMonth }),
  ...(wire.weekdays.length === 0 ? {} : { weekdays: wire.weekdays }),
  ...(wire.hours.length === 0 ? {} : { hours: wire.hours }),
  ...(wire.minutes.length === 0 ? {} : { minutes: wire.minutes }),
  ...(wire.seconds.length === 0 ? {} : { seconds: wire.seconds }),
})

export const wireDefinition = ({ spec, task, overlap, catchUpMs }: ScheduleDefinition): WireDefinition => ({
  spec: {
    cron: [...spec.cron],
    intervals: spec.intervals.map(({ everyMs, phaseMs }) => ({ everyMs, phaseMs })),
    calendars: spec.calendars.map((calendar) => ({
      months: [...(calendar.months ?? [])],
      daysOfMonth: [...(calendar.daysOfMonth ?? [])],
      weekdays: [...(calendar.weekdays ?? [])],
      hours: [...(calendar.hours ?? [])],
      minutes: [...(calendar.minutes ?? [])],
      seconds: [...(calendar.seconds ?? [])],
    })),
    timeZone: spec.timeZone,
    jitterMs: spec.jitterMs,
    startAtMs: spec.startAt ?? 0,
    endAtMs: spec.endAt ?? 0,
  },
  task: {
    name: task.name,
    version: task.version ?? '',
    context: payloadOf(task.context),
    tags: [...task.tags],
    priority: task.priority,
  },
  overlap: WIRE_OVERLAPS[overlap],
  catchUpWindowMs: catchUpMs,
})
