/**
 * I42: of the nominal times of a schedule each is fired, buffered, skipped or missed, once, in order and not before it comes; none is left out while the
 * schedule is not paused, and none is late once a server is there. The times are told here from the numbers of the definition, not by the engine's code.
 */
import { type Instant, type ScheduleDefinition, type ScheduleEvent, unreachable } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

const LATE_MS_MAX = 5_000

interface Known {
  definition: ScheduleDefinition
  /** What becomes of the times up to here is said. */
  upTo: number
  paused: boolean
  /** Times that wait for a task to end. */
  readonly waiting: Set<number>
  readonly fired: Set<string>
}

export const timesFireOnce: InvariantOf = (violated, witness) => {
  const schedules = new Map<string, Known>()
  return {
    commit: ({ schedule }) => {
      if (schedule === undefined) return
      const { name, at } = schedule
      for (const event of schedule.events) {
        if (event.type === 'schedule.created') {
          const { definition } = event
          schedules.set(name, { definition, upTo: at, paused: false, waiting: new Set(), fired: new Set() })
        } else if (event.type === 'schedule.deleted') schedules.delete(name)
        else {
          const known = schedules.get(name)
          if (known === undefined) violated(`I42 ${event.type} of the schedule ${name}, which is not there`)
          else look(event, at, known, (what) => violated(`I42 the schedule ${name} ${what}`))
        }
      }
    },
    sent: (sent) => {
      if (sent.type === 'scheduled') {
        const version = witness.schedules.get(`sim/${sent.name}`)?.version ?? 0
        if (sent.version > version) violated(`I42 the schedule ${sent.name} is shown at ${sent.version}; the log has ${version}`)
      }
      if (sent.type !== 'schedules_served' || sent.now - sent.servesSince < LATE_MS_MAX) return
      for (const [name, { definition, paused, upTo }] of schedules) {
        if (paused) continue
        const [first] = timesBetween(definition, upTo, sent.now - LATE_MS_MAX - definition.spec.jitterMs)
        if (first !== undefined) violated(`I42 the schedule ${name} did nothing at ${first}, ${sent.now - first} ms ago`)
      }
    },
  }
}

type Look = (what: string) => void

const look = (event: ScheduleEvent, at: Instant, known: Known, say: Look): void => {
  switch (event.type) {
    case 'schedule.edited':
      known.definition = event.definition
      known.upTo = Math.max(known.upTo, at)
      return
    case 'schedule.paused':
      known.paused = true
      return
    case 'schedule.resumed':
      known.paused = false
      known.upTo = Math.max(known.upTo, at)
      return
    case 'schedule.missed': {
      const times = timesBetween(known.definition, event.afterAt, event.untilAt)
      if (event.afterAt !== known.upTo)
        say(`misses times after ${event.afterAt}, and had said what becomes of those up to ${known.upTo}`)
      if (times.length !== event.count) say(`misses ${event.count} times that are ${times.length}`)
      if (event.untilAt > at - known.definition.catchUpMs) say(`misses what it could make up for: ${event.untilAt} at ${at}`)
      known.upTo = event.untilAt
      return
    }
    case 'schedule.buffered':
      if (event.by === 'time') next(event.nominalAt, at, known, say)
      if (known.waiting.has(event.nominalAt)) say(`buffers ${event.nominalAt} twice`)
      known.waiting.add(event.nominalAt)
      return
    case 'schedule.skipped':
      if (event.reason === 'replaced') {
        if (!known.waiting.delete(event.nominalAt)) say(`replaces ${event.nominalAt}, which does not wait`)
      } else next(event.nominalAt, at, known, say)
      return
    case 'schedule.fired':
      return lookAtFired(event, at, known, say)
    case 'schedule.created':
    case 'schedule.deleted':
    case 'schedule.backfilled':
    case 'schedule.task_started':
    case 'schedule.task_ended':
    case 'schedule.task_refused':
      return
    default:
      return unreachable(event)
  }
}

const lookAtFired = (
  { by, nominalAt, firing }: Extract<ScheduleEvent, { readonly type: 'schedule.fired' }>,
  at: Instant,
  known: Known,
  say: Look,
): void => {
  if (by === 'time') next(nominalAt, at, known, say)
  if (by === 'buffer' && !known.waiting.delete(nominalAt)) say(`fires ${nominalAt} from the buffer, where it is not`)
  // Whoever asks for a range of the past may ask for what was fired before: it finds the task that there is.
  if (by !== 'backfill' && by !== 'buffer' && known.fired.has(firing)) say(`fires ${firing} twice`)
  known.fired.add(firing)
}

/** A time whose turn it is. */
const next = (nominalAt: number, at: number, known: Known, say: Look): void => {
  const [expected] = timesBetween(known.definition, known.upTo, nominalAt)
  if (known.paused) say(`decides about ${nominalAt} while it is paused`)
  if (expected !== nominalAt) say(`decides about ${nominalAt}; the next time after ${known.upTo} is ${expected ?? 'another'}`)
  if (nominalAt > at) say(`decides about ${nominalAt} ${nominalAt - at} ms early`)
  known.upTo = nominalAt
}

/** Behind the one and up to the other. All schedules of these worlds have times every so many seconds of the minute. */
const timesBetween = ({ spec }: ScheduleDefinition, after: number, until: number): readonly number[] => {
  const [interval] = spec.intervals
  const everyMs = interval?.everyMs ?? 1_000 * secondsOf(spec)
  const phaseMs = interval?.phaseMs ?? 0
  const times: number[] = []
  const first = Math.floor((after - phaseMs) / everyMs) * everyMs + phaseMs
  for (let at = first; at <= until; at += everyMs) if (at > after) times.push(at)
  return times
}

const secondsOf = ({ cron, calendars }: ScheduleDefinition['spec']): number => {
  const [expression] = cron
  return expression === undefined ? 60 / (calendars[0]?.seconds?.length ?? 1) : Number(/^\*\/(\d+) /.exec(expression)?.[1])
}
