/** When schedules fire: `core/src/schedule/next.ts` and `cron.ts`. */
import { dueAt, durationMs, instant, instantText, jitterOf, nextNominal, nominalTimes, type ScheduleSpec } from '@tasker/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { every, specOf } from '../../../support/schedules.js'

const at = (text: string) => instant(Date.parse(text))

const times = (spec: ScheduleSpec, after: string, count: number): readonly string[] =>
  nominalTimes(spec, at(after), instant(8e15), count).map(instantText)

const BERLIN = { timeZone: 'Europe/Berlin' }

describe('cron', () => {
  test('has five fields, or six with the seconds first', () => {
    expect(times(specOf({ cron: ['30 6 * * 1'] }), '2026-01-01T00:00:00Z', 2)).toEqual([
      '2026-01-05T06:30:00.000Z',
      '2026-01-12T06:30:00.000Z',
    ])
    expect(times(specOf({ cron: ['15 0 0 1 * *'] }), '2026-01-01T00:00:15Z', 1)).toEqual(['2026-02-01T00:00:15.000Z'])
  })

  test('a time that a spring night skips fires at the first moment after the gap, once', () => {
    expect(times(specOf({ cron: ['30 2 * * *'], ...BERLIN }), '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
  })

  test('a time that an autumn night has twice fires the first time only', () => {
    expect(times(specOf({ cron: ['30 2 * * *'], ...BERLIN }), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  test('what fires every half an hour goes on through both nights', () => {
    const spec = specOf({ cron: ['*/30 * * * *'], ...BERLIN })
    for (const night of ['2026-03-29T00:00:00Z', '2026-10-25T00:00:00Z']) {
      const found = nominalTimes(spec, at(night), instant(at(night) + 3 * 3_600_000), 100)
      expect(found).toEqual([1, 2, 3, 4, 5, 6].map((half) => at(night) + half * 1_800_000))
    }
  })
})

test('a calendar fires where all of its lists agree', () => {
  const spec = specOf({ calendars: [{ daysOfMonth: [13], weekdays: [5], hours: [9, 17] }] })
  expect(times(spec, '2026-01-01T00:00:00Z', 3)).toEqual([
    '2026-02-13T09:00:00.000Z',
    '2026-02-13T17:00:00.000Z',
    '2026-03-13T09:00:00.000Z',
  ])
})

test('several parts fire together, a time they share once, between the start and the end', () => {
  const spec = every(60, {
    cron: ['*/2 * * * *'],
    startAt: at('2026-01-01T00:01:00Z'),
    endAt: at('2026-01-01T00:03:00Z'),
  })
  expect(times(spec, '2025-01-01T00:00:00Z', 10)).toEqual([
    '2026-01-01T00:01:00.000Z',
    '2026-01-01T00:02:00.000Z',
    '2026-01-01T00:03:00.000Z',
  ])
})

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/Sao_Paulo']

const field = (max: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: 0, max }).map(String),
    fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
  )

const cron = fc.tuple(field(59), field(59), field(23)).map((parts) => `${parts.join(' ')} * * *`)

const spec = fc
  .record({
    cron: fc.array(cron, { minLength: 1, maxLength: 2 }),
    everyMs: fc.option(fc.integer({ min: 1_000, max: 86_400_000 }), { nil: undefined }),
    phase: fc.double({ min: 0, max: 0.99, noNaN: true }),
    timeZone: fc.constantFrom(...ZONES),
    jitterMs: fc.constantFrom(0, 500, 60_000),
  })
  .map(({ cron: expressions, everyMs, phase, timeZone, jitterMs }) =>
    specOf({
      cron: expressions,
      intervals:
        everyMs === undefined ? [] : [{ everyMs: durationMs(everyMs), phaseMs: durationMs(Math.floor(phase * everyMs)) }],
      timeZone,
      jitterMs: durationMs(jitterMs),
    }),
  )

/** Around the nights at which clocks are changed, and any other. */
const moment = fc.oneof(
  fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') }),
  fc
    .tuple(
      fc.constantFrom('2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'),
      fc.integer({ min: -7_200_000, max: 7_200_000 }),
    )
    .map(([night, off]) => at(night) + off),
)

test('the next time is after the one asked from, the same whoever asks, and none lies between', () => {
  fc.assert(
    fc.property(spec, moment, fc.double({ min: 0, max: 1, noNaN: true }), (given, from, share) => {
      const next = nextNominal(given, instant(from))
      if (next === undefined) throw new Error('it fires every day')
      expect(next).toBeGreaterThan(from)
      // Read anew, and asked from anywhere before it: the same.
      const between = instant(from + Math.floor((next - 1 - from) * share))
      expect(nextNominal({ ...given }, between)).toBe(next)
    }),
    { numRuns: 300 },
  )
})

test('jitter is the same for the same time, and keeps times in their order', () => {
  fc.assert(
    fc.property(spec, moment, (given, from) => {
      const found = nominalTimes(given, instant(from), instant(8e15), 5)
      const due = found.map((time) => dueAt('shop/a', given, time))
      expect(due).toEqual(found.map((time) => dueAt('shop/a', { ...given }, time)))
      for (const [index, time] of found.entries()) {
        const moved = jitterOf('shop/a', given, time)
        expect(moved).toBeLessThanOrEqual(given.jitterMs)
        expect(moved).toBeGreaterThanOrEqual(0)
        const next = found[index + 1]
        if (next !== undefined) expect(due[index]).toBeLessThan(next)
      }
    }),
    { numRuns: 100 },
  )
})
