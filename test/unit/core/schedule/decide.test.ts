/** What schedules decide, whatever happens to them: C1 and C2 of `core/src/schedule/events.ts`. */
import {
  decideSchedule,
  evolveSchedule,
  type Instant,
  instant,
  LIMITS,
  scheduleDueAt,
  NO_SCHEDULE,
  nominalTimes,
  OVERLAPS,
  parseTaskId,
  present,
  type ScheduleCommand,
  type ScheduleDefinition,
  type ScheduleEvent,
  type ScheduleState,
} from '@tasker/core'
import { durationMs } from '@tasker/core'
import { decodeScheduleEvents, encodeScheduleEvents, scheduleStreamRef } from '@tasker/server/internal/log/schedule-codec'
import { parseScheduleState, scheduleStateText } from '@tasker/server/internal/projections/schedule-state-text'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SHOP } from '../../../support/engine.js'
import { definitionOf, every, specOf } from '../../../support/schedules.js'

const START = instant(Date.parse('2026-10-24T23:00:00Z'))
const TASK = present(parseTaskId('01JGZZZZZZ000000000000000R'), 'a task id')

class History {
  state: ScheduleState = NO_SCHEDULE
  readonly events: ScheduleEvent[] = []

  constructor(definition: ScheduleDefinition) {
    this.do(START, (at) => ({ type: 'create', at, namespace: SHOP, name: 'n', definition }))
  }

  do(at: Instant, command: (at: Instant) => ScheduleCommand): string {
    const decision = decideSchedule(this.state, command(at))
    if (decision.type === 'refused') return decision.refusal.reason
    for (const event of decision.events) {
      this.state = evolveSchedule(this.state, event, at)
      this.events.push(event)
    }
    return 'accepted'
  }
}

interface Happening {
  readonly what: 'due' | 'started' | 'ended' | 'refused' | 'pause' | 'resume' | 'trigger' | 'backfill'
  readonly afterMs: number
}

const happenings = fc.array(
  fc.record<Happening>({
    what: fc.constantFrom(
      'due',
      'due',
      'due',
      'started',
      'started',
      'ended',
      'ended',
      'refused',
      'pause',
      'resume',
      'trigger',
      'backfill',
    ),
    afterMs: fc.integer({ min: 0, max: 90_000 }),
  }),
  { maxLength: 60 },
)

const happen = (history: History, at: Instant, what: Happening['what']): void => {
  const firing = history.state.live?.firings[0]?.id ?? 'none'
  switch (what) {
    case 'started':
      return void history.do(at, () => ({ type: 'started', at, firing, taskId: TASK }))
    case 'ended':
      return void history.do(at, () => ({ type: 'ended', at, firing, outcome: 'completed' }))
    case 'refused':
      return void history.do(at, () => ({ type: 'refused', at, firing, reason: 'X', message: 'no' }))
    case 'pause':
    case 'resume':
      return void history.do(at, () => ({ type: what, at, note: 'n' }))
    case 'backfill':
      return void history.do(at, () => ({ type: 'backfill', at, fromAt: instant(at - 120_000), untilAt: at }))
    case 'due':
    case 'trigger':
      return void history.do(at, () => ({ type: what, at }))
  }
}

const definition = fc
  .record({
    overlap: fc.constantFrom(...OVERLAPS),
    catchUpMs: fc.constantFrom(10_000, 60_000, 3_600_000),
    jitterMs: fc.constantFrom(0, 5_000),
    cron: fc.boolean(),
  })
  .map(({ overlap, catchUpMs, jitterMs, cron }) => {
    const jitter = { jitterMs: durationMs(jitterMs) }
    const spec = cron ? specOf({ cron: ['*/20 * * * * *'], timeZone: 'Europe/Berlin', ...jitter }) : every(30, jitter)
    return definitionOf(spec, overlap, { catchUpMs: durationMs(catchUpMs) })
  })

/** What the events say of each nominal time that came by itself. */
const fates = (events: readonly ScheduleEvent[]): ReadonlyMap<Instant, readonly string[]> => {
  const found = new Map<Instant, string[]>()
  for (const event of events) {
    const own = (event.type === 'schedule.fired' || event.type === 'schedule.buffered') && event.by === 'time'
    const skipped = event.type === 'schedule.skipped' && event.reason !== 'replaced'
    if (own || skipped) found.set(event.nominalAt, [...(found.get(event.nominalAt) ?? []), event.type])
  }
  return found
}

test('each time that came is decided about once, and none is forgotten that was neither missed nor paused over', () => {
  fc.assert(
    fc.property(definition, happenings, (given, list) => {
      const history = new History(given)
      let at = START
      const pauses: { from: Instant; until: Instant }[] = []
      for (const { what, afterMs } of list) {
        at = instant(at + afterMs)
        const paused = history.state.live?.paused
        happen(history, at, what)
        if (what === 'resume' && paused !== undefined) pauses.push({ from: paused.at, until: at })
      }
      for (let more = 0; more < 1_000 && (scheduleDueAt(history.state) ?? Infinity) <= at; more++) happen(history, at, 'due')
      const decided = fates(history.events)
      for (const fate of decided.values()) expect(fate).toHaveLength(1)
      const missed = history.events.flatMap((event) => (event.type === 'schedule.missed' ? [event] : []))
      const upTo = present(history.state.live, 'the schedule').decidedUpTo
      for (const time of nominalTimes(given.spec, START, upTo, 10_000)) {
        const excused =
          missed.some(({ afterAt, untilAt }) => time > afterAt && time <= untilAt) ||
          // A time may be due in the pause by its jitter.
          pauses.some(({ from, until }) => time > from - given.spec.jitterMs && time <= until)
        if (!excused) expect(decided.has(time)).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

test('no more tasks hold others up than may, and as few wait as the policy says', () => {
  fc.assert(
    fc.property(definition, happenings, (given, list) => {
      const history = new History(given)
      let at = START
      for (const { what, afterMs } of list.filter((one) => one.what !== 'trigger' && one.what !== 'backfill')) {
        at = instant(at + afterMs)
        happen(history, at, what)
        const live = present(history.state.live, 'the schedule')
        if (given.overlap !== 'allow') expect(live.firings.length).toBeLessThanOrEqual(1)
        const most = { skip: 0, allow: 0, buffer_one: 1, cancel_other: 1, buffer_all: LIMITS.scheduleBufferedMax }[given.overlap]
        expect(live.waiting.length).toBeLessThanOrEqual(most)
        expect(live.paused !== undefined || live.firings.length > 0 || live.waiting.length === 0).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

test('what the log and the rows keep of it folds to the same schedule', () => {
  fc.assert(
    fc.property(definition, happenings, (given, list) => {
      const history = new History(given)
      let at = START
      for (const { what, afterMs } of list) happen(history, (at = instant(at + afterMs)), what)
      const { types, text } = encodeScheduleEvents(history.events)
      const read = decodeScheduleEvents({
        stream: scheduleStreamRef(SHOP, 'n'),
        partition: 0 as never,
        firstVersion: 1,
        namespace: SHOP,
        at,
        actor: 'a',
        worker: undefined,
        cause: 'c',
        hash: Buffer.alloc(32),
        seq: 1,
        types,
        text,
      })
      expect(read).toEqual(history.events)
      expect(parseScheduleState(scheduleStateText(history.state))).toEqual(history.state)
    }),
    { numRuns: 100 },
  )
})

test('a long absence is told as one stretch, counted up to a limit, and decided in bounded commits', () => {
  const history = new History(definitionOf(every(1), 'allow', { catchUpMs: durationMs(300_000) }))
  const at = instant(START + 30 * 24 * 3_600_000)
  happen(history, at, 'due')
  const [, missed, ...fired] = history.events
  expect(missed).toMatchObject({ type: 'schedule.missed', count: LIMITS.scheduleMissedCountedMax })
  expect(fired).toHaveLength(LIMITS.scheduleDecisionsMax)
  expect(scheduleDueAt(history.state)).toBeLessThanOrEqual(at)
})

test('orders that cannot be are refused: a range of the future, one of too many times, a schedule that is not there', () => {
  const history = new History(definitionOf(every(1), 'allow'))
  const at = instant(START + 3_600_000)
  const backfill = (fromAt: number, untilAt: number) =>
    history.do(at, () => ({ type: 'backfill', at, fromAt: instant(fromAt), untilAt: instant(untilAt) }))
  expect(backfill(at, at + 1)).toBe('BACKFILL_INVALID')
  expect(backfill(START, START - 1)).toBe('BACKFILL_INVALID')
  expect(backfill(START - 3_600_000, START)).toBe('BACKFILL_INVALID')
  expect(backfill(START - 5_000, START)).toBe('accepted')
  history.do(at, () => ({ type: 'delete', at }))
  expect(history.do(at, () => ({ type: 'trigger', at }))).toBe('SCHEDULE_NOT_FOUND')
})
