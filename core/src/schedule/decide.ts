/** What a command to a schedule makes happen. Times come in order, each once (C1 of `events.ts`). */
import { accept, type Decision } from '../kernel/decider.js'
import { type Instant, instant } from '../kernel/instant.js'
import { unreachable } from '../kernel/invariant.js'
import { LIMITS } from '../limits.js'
import type { ScheduleCommand, ScheduleRefusal } from './commands.js'
import type { FiredBy, ScheduleEvent, ScheduleFired } from './events.js'
import { evolveSchedule, firingId } from './evolve.js'
import { dueAt, nextNominal, nominalTimes } from './next.js'
import type { LiveSchedule, ScheduleState } from './state.js'

type Decided = Decision<ScheduleEvent, ScheduleRefusal>

export const decideSchedule = (state: ScheduleState, command: ScheduleCommand): Decided => {
  const { live } = state
  if (command.type === 'create') return create(live, command)
  if (live === undefined) return refuse('SCHEDULE_NOT_FOUND', 'there is no such schedule')
  switch (command.type) {
    case 'edit':
      if (sameJson(live.definition, command.definition)) return accept()
      return decided(new Draft(state, live, command.at).times().add({ type: 'schedule.edited', definition: command.definition }))
    case 'pause':
      if (live.paused?.note === command.note) return accept()
      return decided(new Draft(state, live, command.at).times().add({ type: 'schedule.paused', note: command.note }))
    case 'resume':
      if (live.paused === undefined) return accept()
      return decided(new Draft(state, live, command.at).add({ type: 'schedule.resumed', note: command.note }).nextWaiting())
    case 'trigger':
      return trigger(live, command.at)
    case 'backfill':
      return backfill(state, live, command)
    case 'delete':
      return accept<ScheduleEvent>({ type: 'schedule.deleted' })
    case 'due':
      return decided(new Draft(state, live, command.at).times())
    case 'started': {
      const { firing: id, taskId } = command
      const firing = live.firings.find((one) => one.id === id)
      if (firing === undefined || firing.taskId !== undefined) return accept()
      return decided(new Draft(state, live, command.at).add({ type: 'schedule.task_started', firing: id, taskId }).nextWaiting())
    }
    case 'refused':
    case 'ended': {
      const { firing } = command
      if (!live.firings.some(({ id }) => id === firing)) return accept()
      const event: ScheduleEvent =
        command.type === 'ended'
          ? { type: 'schedule.task_ended', firing, outcome: command.outcome }
          : { type: 'schedule.task_refused', firing, reason: command.reason, message: command.message }
      return decided(new Draft(state, live, command.at).add(event).nextWaiting())
    }
    default:
      return unreachable(command)
  }
}

/** When a schedule wants to be looked at again; undefined when its time never comes. */
export const scheduleDueAt = (state: ScheduleState): Instant | undefined => {
  const { live } = state
  if (live === undefined || live.paused !== undefined) return undefined
  const nominalAt = nextNominal(live.definition.spec, live.decidedUpTo)
  return nominalAt === undefined ? undefined : dueAt(idOf(live), live.definition.spec, nominalAt)
}

const idOf = ({ namespace, name }: LiveSchedule): string => `${namespace}/${name}`

const refuse = (reason: ScheduleRefusal['reason'], message: string): Decided => ({
  type: 'refused',
  refusal: { reason, message },
})

const decided = ({ events }: Draft): Decided => accept(...events)

const create = (live: LiveSchedule | undefined, command: Extract<ScheduleCommand, { type: 'create' }>): Decided => {
  const { namespace, name, definition, pausedNote } = command
  if (live === undefined) {
    const created: ScheduleEvent = { type: 'schedule.created', namespace, name, definition }
    return pausedNote === undefined
      ? accept(created)
      : accept<ScheduleEvent>(created, { type: 'schedule.paused', note: pausedNote })
  }
  return sameJson(live.definition, definition)
    ? accept()
    : refuse('SCHEDULE_EXISTS', `there is a schedule ${namespace}/${name} with another definition`)
}

/** Fires now, whatever runs or waits, paused or not. */
const trigger = (live: LiveSchedule, at: Instant): Decided => {
  if (live.firings.length >= LIMITS.scheduleFiringsMax)
    return refuse('SCHEDULE_BUSY', `${live.firings.length} of its tasks run already`)
  return accept<ScheduleEvent>(firedEvent(live, at, 'trigger', `trigger-${live.triggers + 1}`))
}

const backfill = (
  state: ScheduleState,
  live: LiveSchedule,
  { fromAt, untilAt, at }: Extract<ScheduleCommand, { type: 'backfill' }>,
): Decided => {
  if (fromAt > untilAt) return refuse('BACKFILL_INVALID', 'the range ends before it begins')
  if (untilAt > at) return refuse('BACKFILL_INVALID', 'the range ends in the future')
  // What is due and not decided yet comes by itself.
  const until = live.paused === undefined ? instant(Math.min(untilAt, live.decidedUpTo)) : untilAt
  const taken = new Set([...live.firings.map(({ id }) => id), ...live.waiting.map(({ nominalAt }) => firingId(nominalAt))])
  const times = nominalTimes(live.definition.spec, instant(fromAt - 1), until, LIMITS.scheduleBackfillMax + 1)
  if (times.length > LIMITS.scheduleBackfillMax)
    return refuse('BACKFILL_INVALID', `the range has more than ${LIMITS.scheduleBackfillMax} times; ask for a shorter one`)
  const wanted = times.filter((time) => !taken.has(firingId(time)))
  const room = LIMITS.scheduleFiringsMax - live.firings.length - live.waiting.length
  if (wanted.length > room) return refuse('SCHEDULE_BUSY', `${wanted.length} times are asked for, and there is room for ${room}`)
  const draft = new Draft(state, live, at)
  draft.add({ type: 'schedule.backfilled', fromAt, untilAt: until, count: wanted.length })
  for (const time of wanted) draft.backfilled(time)
  return decided(draft)
}

const firedEvent = (live: LiveSchedule, nominalAt: Instant, by: FiredBy, firing = firingId(nominalAt)): ScheduleFired => {
  const { name: template, version } = live.definition.task
  return { type: 'schedule.fired', firing, nominalAt, by, template, ...(version === undefined ? {} : { version }) }
}

/** Events in the making, and the schedule as they leave it. */
class Draft {
  readonly events: ScheduleEvent[] = []
  #state: ScheduleState
  #live: LiveSchedule
  readonly #at: Instant

  constructor(state: ScheduleState, live: LiveSchedule, at: Instant) {
    this.#state = state
    this.#live = live
    this.#at = at
  }

  add(event: ScheduleEvent): this {
    this.events.push(event)
    this.#state = evolveSchedule(this.#state, event, this.#at)
    this.#live = this.#state.live ?? this.#live
    return this
  }

  /** The nominal times that have come, a bounded number of them. */
  times(): this {
    if (this.#live.paused !== undefined) return this
    this.#missed()
    const { spec } = this.#live.definition
    for (let n = 0; n < LIMITS.scheduleDecisionsMax; n++) {
      const nominalAt = nextNominal(spec, this.#live.decidedUpTo)
      if (nominalAt === undefined || nominalAt > this.#at || dueAt(idOf(this.#live), spec, nominalAt) > this.#at) break
      this.#time(nominalAt)
    }
    return this
  }

  /** Who waits goes when nothing runs any more; while the schedule is paused, only who was asked for by hand. */
  nextWaiting(): this {
    const { paused, waiting } = this.#live
    const next = waiting.find(({ by }) => paused === undefined || by === 'backfill')
    return next === undefined || this.#busy ? this : this.add(firedEvent(this.#live, next.nominalAt, 'buffer'))
  }

  /** One after another, unless firings may run at the same time. */
  backfilled(nominalAt: Instant): void {
    const isFree = this.#live.definition.overlap === 'allow' || (!this.#busy && this.#live.waiting.length === 0)
    if (isFree) this.add(firedEvent(this.#live, nominalAt, 'backfill'))
    else this.#wait(nominalAt, 'backfill')
  }

  /** What is older than the window is not made up for. */
  #missed(): void {
    const { definition, decidedUpTo } = this.#live
    const oldest = instant(this.#at - definition.catchUpMs - definition.spec.jitterMs - 1)
    if (oldest <= decidedUpTo) return
    const count = nominalTimes(definition.spec, decidedUpTo, oldest, LIMITS.scheduleMissedCountedMax).length
    if (count > 0) this.add({ type: 'schedule.missed', afterAt: decidedUpTo, untilAt: oldest, count })
  }

  #time(nominalAt: Instant): void {
    const { overlap } = this.#live.definition
    const { waiting, firings } = this.#live
    if (overlap === 'allow' && firings.length < LIMITS.scheduleFiringsMax) return this.#fire(nominalAt)
    if (overlap === 'allow') return this.#skip(nominalAt, 'buffer_full')
    if (!this.#busy && waiting.length === 0) return this.#fire(nominalAt)
    switch (overlap) {
      case 'skip':
        return this.#skip(nominalAt, 'running')
      case 'buffer_one':
        return waiting.length > 0 ? this.#skip(nominalAt, 'buffer_full') : this.#wait(nominalAt, 'time')
      case 'buffer_all':
        return waiting.length >= LIMITS.scheduleBufferedMax ? this.#skip(nominalAt, 'buffer_full') : this.#wait(nominalAt, 'time')
      case 'cancel_other':
        for (const { nominalAt: earlier } of waiting) this.#skip(earlier, 'replaced')
        return this.#wait(nominalAt, 'time', true)
      default:
        return unreachable(overlap)
    }
  }

  #fire(nominalAt: Instant): void {
    this.add(firedEvent(this.#live, nominalAt, 'time'))
  }

  #wait(nominalAt: Instant, by: FiredBy, cancels = false): void {
    this.add({ type: 'schedule.buffered', nominalAt, by, cancels })
  }

  #skip(nominalAt: Instant, reason: 'running' | 'buffer_full' | 'replaced'): void {
    this.add({ type: 'schedule.skipped', nominalAt, reason })
  }

  get #busy(): boolean {
    return this.#live.firings.length > 0
  }
}

/** Both were read by the same code, so their members stand in the same order. */
const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** The next nominal times of a schedule, and when each is due. */
export const upcoming = (live: LiveSchedule, now: Instant, count: number): readonly { nominalAt: Instant; dueAt: Instant }[] => {
  const { spec } = live.definition
  const after = live.paused === undefined ? live.decidedUpTo : instant(Math.max(live.decidedUpTo, now))
  const times: { nominalAt: Instant; dueAt: Instant }[] = []
  for (let at = nextNominal(spec, after); at !== undefined && times.length < count; at = nextNominal(spec, at))
    times.push({ nominalAt: at, dueAt: dueAt(idOf(live), spec, at) })
  return times
}
