/** What an event makes of a schedule. */
import { namespaceOf } from '../kernel/ids.js'
import { type Instant, instantText } from '../kernel/instant.js'
import { invariant, unreachable } from '../kernel/invariant.js'
import { LIMITS } from '../limits.js'
import type { ScheduleCreated, ScheduleEvent, ScheduleFired } from './events.js'
import type { Firing, LiveSchedule, PastFiring, ScheduleState, Skip } from './state.js'

/** The id of the firing of a nominal time. */
export const firingId = (nominalAt: Instant): string => instantText(nominalAt)

/** `at` is the commit's instant. */
export const evolveSchedule = (state: ScheduleState, event: ScheduleEvent, at: Instant): ScheduleState => {
  if (event.type === 'schedule.created') {
    invariant(state.live === undefined, 'a schedule is created that is there')
    return { generation: state.generation + 1, live: createdSchedule(event, at) }
  }
  const { generation, live } = state
  invariant(live !== undefined, `${event.type} of a schedule that is not there`)
  return { generation, live: event.type === 'schedule.deleted' ? undefined : evolveLive(live, event, at) }
}

type LiveEvent = Exclude<ScheduleEvent, { readonly type: 'schedule.created' | 'schedule.deleted' }>

const createdSchedule = ({ namespace, name, definition }: ScheduleCreated, at: Instant): LiveSchedule => ({
  namespace: namespaceOf(namespace),
  name,
  definition,
  createdAt: at,
  editedAt: at,
  decidedUpTo: at,
  firings: [],
  waiting: [],
  lastFirings: [],
  lastSkips: [],
  counts: { fired: 0, skipped: 0, missed: 0 },
  triggers: 0,
})

const evolveLive = (live: LiveSchedule, event: LiveEvent, at: Instant): LiveSchedule => {
  switch (event.type) {
    case 'schedule.edited':
      // What came before the edit was for the definition before it.
      return { ...live, definition: event.definition, editedAt: at, decidedUpTo: latestOf(live.decidedUpTo, at) }
    case 'schedule.paused':
      return { ...live, paused: { at, note: event.note } }
    case 'schedule.resumed': {
      const { paused, ...rest } = live
      invariant(paused !== undefined, 'a schedule is resumed that is not paused')
      return { ...rest, decidedUpTo: latestOf(live.decidedUpTo, at) }
    }
    case 'schedule.fired':
      return fired(live, event, at)
    case 'schedule.task_started':
      return {
        ...live,
        firings: live.firings.flatMap((firing) =>
          firing.id !== event.firing ? [firing] : firing.holds ? [{ ...firing, taskId: event.taskId }] : [],
        ),
        lastFirings: changedFiring(live, event.firing, { taskId: event.taskId }),
      }
    case 'schedule.task_refused': {
      const { reason, message } = event
      return without(live, event.firing, { refused: { reason, message } })
    }
    case 'schedule.task_ended':
      return without(live, event.firing, { outcome: event.outcome })
    case 'schedule.buffered':
      return {
        ...live,
        decidedUpTo: decidedBy(live, event),
        waiting: [...live.waiting, { nominalAt: event.nominalAt, by: event.by }],
        firings: event.cancels ? live.firings.map((firing) => ({ ...firing, cancelling: true })) : live.firings,
      }
    case 'schedule.skipped': {
      const { nominalAt, reason } = event
      return {
        ...live,
        decidedUpTo: latestOf(live.decidedUpTo, nominalAt),
        waiting: live.waiting.filter((waiting) => waiting.nominalAt !== nominalAt),
        lastSkips: lastOf(live.lastSkips, { nominalAt, at, reason }),
        counts: { ...live.counts, skipped: live.counts.skipped + 1 },
      }
    }
    case 'schedule.missed': {
      const skip: Skip = { nominalAt: event.untilAt, at, reason: 'missed' }
      return {
        ...live,
        decidedUpTo: latestOf(live.decidedUpTo, event.untilAt),
        lastSkips: lastOf(live.lastSkips, skip),
        counts: { ...live.counts, missed: live.counts.missed + event.count },
      }
    }
    case 'schedule.backfilled':
      return live
    default:
      return unreachable(event)
  }
}

const fired = (live: LiveSchedule, event: ScheduleFired, at: Instant): LiveSchedule => {
  const { firing: id, nominalAt, by, template, version } = event
  invariant(!live.firings.some((firing) => firing.id === id), `the firing ${id} is there already`)
  const past: PastFiring = { id, nominalAt, by, firedAt: at }
  const holds = live.definition.overlap !== 'allow'
  const firing: Firing = { ...past, template, ...(version === undefined ? {} : { version }), holds, cancelling: false }
  return {
    ...live,
    decidedUpTo: decidedBy(live, event),
    firings: [...live.firings, firing],
    waiting: by === 'trigger' ? live.waiting : live.waiting.filter((waiting) => waiting.nominalAt !== nominalAt),
    lastFirings: lastOf(live.lastFirings, past),
    counts: { ...live.counts, fired: live.counts.fired + 1 },
    triggers: live.triggers + (by === 'trigger' ? 1 : 0),
  }
}

/** Only what came by itself moves the time up to which all is decided. */
const decidedBy = (live: LiveSchedule, { nominalAt, by }: { readonly nominalAt: Instant; readonly by: string }): Instant =>
  by === 'time' ? latestOf(live.decidedUpTo, nominalAt) : live.decidedUpTo

const without = (live: LiveSchedule, id: string, change: Partial<PastFiring>): LiveSchedule => ({
  ...live,
  firings: live.firings.filter((firing) => firing.id !== id),
  lastFirings: changedFiring(live, id, change),
})

const changedFiring = (live: LiveSchedule, id: string, change: Partial<PastFiring>): readonly PastFiring[] =>
  live.lastFirings.map((firing) => (firing.id === id ? { ...firing, ...change } : firing))

const lastOf = <Item>(items: readonly Item[], item: Item): readonly Item[] => [...items, item].slice(-LIMITS.scheduleLastShown)

const latestOf = (a: Instant, b: Instant): Instant => (a > b ? a : b)
