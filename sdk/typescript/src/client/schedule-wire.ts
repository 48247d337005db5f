/** Schedules as the caller says them, and as the wire carries them. */
import {
  type Schedule as WireSchedule,
  type ScheduleDefinition as WireDefinition,
  type ScheduleFiring as WireFiring,
  ScheduleOverlap,
} from '@tasker/proto'
import { durationMs, type Duration } from '../duration.js'
import { payloadValue } from '../step/payload.js'
import { inputPayload, type TaskRef } from './submission.js'

export type Overlap = 'skip' | 'buffer_one' | 'buffer_all' | 'cancel_other' | 'allow'

/** Months, days and weekdays are every one when not said; hours, minutes and seconds are 0. */
export interface ScheduleCalendar {
  readonly months?: readonly number[]
  readonly daysOfMonth?: readonly number[]
  /** 0 to 6, from Sunday on. */
  readonly weekdays?: readonly number[]
  readonly hours?: readonly number[]
  readonly minutes?: readonly number[]
  readonly seconds?: readonly number[]
}

export interface ScheduleTimes {
  /** Expressions of five fields, or six with the seconds first. */
  readonly cron?: string | readonly string[]
  /** Counted from 1970 in UTC, moved by the phase. */
  readonly every?: Duration | readonly { readonly every: Duration; readonly phase?: Duration }[]
  readonly calendars?: readonly ScheduleCalendar[]
  /** Of the IANA database; UTC when not said. */
  readonly timeZone?: string
  /** Each firing is moved by up to this, always by the same for the same nominal time. */
  readonly jitter?: Duration
  readonly startAt?: Date
  readonly endAt?: Date
}

export interface ScheduleDefinition extends ScheduleTimes {
  /** A definition, or the name of a template that is registered. */
  readonly task: TaskRef | { readonly name: string; readonly version?: string }
  /** What each task is given; `{}` when not said. */
  readonly input?: object
  readonly tags?: readonly string[]
  readonly priority?: number
  /** What becomes of a firing while a task of an earlier one runs; `skip` when not said. */
  readonly overlap?: Overlap
  /** How old firings may be that are made up for; a day when not said. */
  readonly catchUpWindow?: Duration
}

export interface ScheduleFiring {
  /** Its nominal time, or the number of its trigger. */
  readonly firing: string
  readonly nominalAt: Date
  readonly by: string
  readonly firedAt: Date
  readonly taskId: string | undefined
  /** Such as `completed`; undefined while the task runs. */
  readonly outcome: string | undefined
  /** Why there is no task. */
  readonly refused: { readonly reason: string; readonly message: string } | undefined
}

export interface ScheduleState {
  readonly namespace: string
  readonly name: string
  readonly paused: { readonly at: Date; readonly note: string } | undefined
  readonly times: Required<Pick<ScheduleTimes, 'calendars' | 'timeZone'>> & {
    readonly cron: readonly string[]
    readonly everyMs: readonly { readonly everyMs: number; readonly phaseMs: number }[]
    readonly jitterMs: number
    readonly startAt: Date | undefined
    readonly endAt: Date | undefined
  }
  readonly task: {
    readonly name: string
    readonly version: string | undefined
    readonly input: unknown
    readonly tags: readonly string[]
    readonly priority: number | undefined
  }
  readonly overlap: Overlap
  readonly catchUpWindowMs: number
  readonly createdAt: Date
  readonly editedAt: Date
  readonly next: readonly { readonly nominalAt: Date; readonly dueAt: Date }[]
  /** Firings whose tasks are not over. */
  readonly running: readonly ScheduleFiring[]
  /** Nominal times that wait for them. */
  readonly waiting: readonly Date[]
  /** The last of them, the newest first. */
  readonly lastFirings: readonly ScheduleFiring[]
  readonly lastSkips: readonly { readonly nominalAt: Date; readonly at: Date; readonly reason: string }[]
  readonly fired: number
  readonly skipped: number
  readonly missed: number
}

const WIRE_OVERLAPS: { readonly [Name in Overlap]: ScheduleOverlap } = {
  skip: ScheduleOverlap.SCHEDULE_OVERLAP_SKIP,
  buffer_one: ScheduleOverlap.SCHEDULE_OVERLAP_BUFFER_ONE,
  buffer_all: ScheduleOverlap.SCHEDULE_OVERLAP_BUFFER_ALL,
  cancel_other: ScheduleOverlap.SCHEDULE_OVERLAP_CANCEL_OTHER,
  allow: ScheduleOverlap.SCHEDULE_OVERLAP_ALLOW,
}

const OVERLAPS: readonly Overlap[] = ['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'allow']

export const wireDefinition = (definition: ScheduleDefinition): WireDefinition => ({
  spec: {
    cron: cronOf(definition.cron),
    intervals: intervalsOf(definition.every),
    calendars: (definition.calendars ?? []).map((calendar) => ({
      months: [...(calendar.months ?? [])],
      daysOfMonth: [...(calendar.daysOfMonth ?? [])],
      weekdays: [...(calendar.weekdays ?? [])],
      hours: [...(calendar.hours ?? [])],
      minutes: [...(calendar.minutes ?? [])],
      seconds: [...(calendar.seconds ?? [])],
    })),
    timeZone: definition.timeZone ?? '',
    jitterMs: durationMs(definition.jitter ?? 0),
    startAtMs: definition.startAt?.getTime() ?? 0,
    endAtMs: definition.endAt?.getTime() ?? 0,
  },
  task: {
    name: definition.task.name,
    version: definition.task.version ?? '',
    context: inputPayload(definition.input ?? {}),
    tags: [...(definition.tags ?? [])],
    priority: definition.priority,
  },
  overlap: WIRE_OVERLAPS[definition.overlap ?? 'skip'],
  catchUpWindowMs: definition.catchUpWindow === undefined ? undefined : durationMs(definition.catchUpWindow),
})

const cronOf = (cron: ScheduleTimes['cron']): string[] => (typeof cron === 'string' ? [cron] : [...(cron ?? [])])

const intervalsOf = (every: ScheduleTimes['every']): { everyMs: number; phaseMs: number }[] => {
  if (every === undefined) return []
  if (typeof every === 'number' || typeof every === 'string') return [{ everyMs: durationMs(every), phaseMs: 0 }]
  return every.map((one) => ({ everyMs: durationMs(one.every), phaseMs: durationMs(one.phase ?? 0) }))
}

export const scheduleState = (wire: WireSchedule): ScheduleState => {
  const { definition } = wire
  const spec = definition?.spec
  const task = definition?.task
  return {
    namespace: wire.namespace,
    name: wire.name,
    paused: wire.paused ? { at: new Date(wire.pausedAtMs), note: wire.note } : undefined,
    times: {
      cron: spec?.cron ?? [],
      everyMs: spec?.intervals ?? [],
      calendars: spec?.calendars ?? [],
      timeZone: spec?.timeZone ?? '',
      jitterMs: spec?.jitterMs ?? 0,
      startAt: dateOf(spec?.startAtMs ?? 0),
      endAt: dateOf(spec?.endAtMs ?? 0),
    },
    task: {
      name: task?.name ?? '',
      version: textOf(task?.version ?? ''),
      input: payloadValue(task?.context),
      tags: task?.tags ?? [],
      priority: task?.priority,
    },
    overlap: OVERLAPS.find((name) => WIRE_OVERLAPS[name] === definition?.overlap) ?? 'skip',
    catchUpWindowMs: definition?.catchUpWindowMs ?? 0,
    createdAt: new Date(wire.createdAtMs),
    editedAt: new Date(wire.editedAtMs),
    next: wire.next.map(({ nominalAtMs, dueAtMs }) => ({ nominalAt: new Date(nominalAtMs), dueAt: new Date(dueAtMs) })),
    running: wire.running.map(firingOf),
    waiting: wire.waitingMs.map((ms) => new Date(ms)),
    lastFirings: wire.lastFirings.map(firingOf),
    lastSkips: wire.lastSkips.map(({ nominalAtMs, atMs, reason }) => ({
      nominalAt: new Date(nominalAtMs),
      at: new Date(atMs),
      reason,
    })),
    fired: wire.fired,
    skipped: wire.skipped,
    missed: wire.missed,
  }
}

const firingOf = (wire: WireFiring): ScheduleFiring => ({
  firing: wire.firing,
  nominalAt: new Date(wire.nominalAtMs),
  by: wire.by,
  firedAt: new Date(wire.firedAtMs),
  taskId: textOf(wire.taskId),
  outcome: textOf(wire.outcome),
  refused: wire.refusedReason === '' ? undefined : { reason: wire.refusedReason, message: wire.refusedMessage },
})

const textOf = (text: string): string | undefined => (text === '' ? undefined : text)
const dateOf = (ms: number): Date | undefined => (ms === 0 ? undefined : new Date(ms))
