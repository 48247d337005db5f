/** What is wrong with the definition of a schedule: `core/src/schedule/problems.ts`. */
import { durationMs, instant, jsonOf, LIMITS, scheduleProblems, type ScheduleSpec } from '@tasker/core'
import { expect, test } from 'vitest'
import { specOf } from '../../../support/schedules.js'

const HOUR = durationMs(3_600_000)

const problems = (spec: Partial<ScheduleSpec>, catchUpMs = HOUR) =>
  scheduleProblems({
    spec: specOf(spec),
    task: { name: 'report', context: jsonOf({}), tags: [] },
    overlap: 'skip',
    catchUpMs,
  }).map(({ code, path }) => `${code} ${path}`)

const hourly = { intervals: [{ everyMs: HOUR, phaseMs: durationMs(0) }] }

test('a definition whose parts can all be used has none', () => {
  expect(problems({ ...hourly, cron: ['0 3 * * *'], calendars: [{ hours: [6] }], timeZone: 'Asia/Tokyo' })).toEqual([])
})

test('each wrong part is told by its path', () => {
  expect(
    problems({
      cron: ['0 3 * * *', '0 25 * * *', '*'.repeat(LIMITS.cronCharsMax + 1)],
      intervals: [
        { everyMs: durationMs(1), phaseMs: durationMs(0) },
        { everyMs: HOUR, phaseMs: HOUR },
      ],
      calendars: [{ weekdays: [7] }, { months: [] }, { hours: [1.5] }],
      timeZone: 'Mars/Olympus',
    }),
  ).toEqual([
    'UNKNOWN_TIME_ZONE /spec/time_zone',
    'INVALID_CRON /spec/cron/1',
    'INVALID_CRON /spec/cron/2',
    'INVALID_SCHEDULE /spec/intervals/0',
    'INVALID_SCHEDULE /spec/intervals/1',
    'INVALID_SCHEDULE /spec/calendars/0/weekdays',
    'INVALID_SCHEDULE /spec/calendars/1/months',
    'INVALID_SCHEDULE /spec/calendars/2/hours',
  ])
})

test('it has at least one part, and at most as many as the limit says', () => {
  expect(problems({})).toEqual(['INVALID_SCHEDULE /spec'])
  const many = Array.from({ length: LIMITS.scheduleTimesMax + 1 }, () => '0 3 * * *')
  expect(problems({ cron: many })).toEqual(['INVALID_SCHEDULE /spec'])
})

test('it fires some time, ends after it starts, and stays within the limits of jitter and catch-up', () => {
  expect(problems({ cron: ['0 0 30 2 *'] })).toEqual(['INVALID_SCHEDULE /spec'])
  expect(problems({ calendars: [{ months: [2], daysOfMonth: [30] }] })).toEqual(['INVALID_SCHEDULE /spec'])
  const jitterMs = durationMs(LIMITS.scheduleJitterMsMax + 1)
  const reversed = { ...hourly, jitterMs, startAt: instant(2_000), endAt: instant(1_000) }
  expect(problems(reversed, durationMs(LIMITS.scheduleCatchUpMsMax + 1))).toEqual([
    'INVALID_SCHEDULE /spec/end_at',
    'INVALID_SCHEDULE /spec/jitter_ms',
    'INVALID_SCHEDULE /catch_up_window_ms',
  ])
})
