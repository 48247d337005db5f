import { projectionOf } from '@tasker/server/internal/projections/fold/projections'
import { ActivityCheck, hourRanges } from '@tasker/server/internal/projections/verify/activity-check'
import { differencesOf, differenceText } from '@tasker/server/internal/projections/verify/compare'
import type { StoredRows } from '@tasker/server/internal/projections/verify/port'
import { instant, namespaceOf, partitionNumber } from '@tasker/core'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import { expect, test } from 'vitest'

const KEY = projectionOf('key')
const row = (queue: string, state = '{}', places = 0) => ({ namespace: 'n', queue, stream_version: 3, places, state })

test('equal rows differ in nothing, whatever their order', () => {
  expect(differencesOf(KEY, [row('a'), row('b')], [row('b'), row('a')], 3)).toEqual([])
})

test('a row that is missing, one too many and one with another column are told apart, with their keys', () => {
  const found = differencesOf(KEY, [row('a'), row('b', '{}', 1)], [row('b', '{}', 2), row('c')], 3)
  expect(found.map(({ kind, row: { queue }, column }) => [kind, queue, column])).toEqual([
    ['missing', 'a', undefined],
    ['changed', 'b', 'places'],
    ['unexpected', 'c', undefined],
  ])
  expect(found.map(differenceText)).toEqual([
    'the row {"namespace":"n","queue":"a"} of key is missing at version 3 of its stream',
    'places of the row {"namespace":"n","queue":"b"} of key is 2, the log says 1 at version 3 of its stream',
    'the row {"namespace":"n","queue":"c"} of key should not be there',
  ])
})

test('of long values the part is shown where they differ', () => {
  const text = (middle: string): string => `${'a'.repeat(500)}${middle}${'z'.repeat(500)}`
  const [found] = differencesOf(KEY, [row('a', text('X'))], [row('a', text('Y'))], 3)
  expect(found?.expected).toMatch(/^…a{40}Xz+…$/)
  expect(found?.found).toMatch(/^…a{40}Yz+…$/)
  expect(found?.expected?.length).toBeLessThan(210)
})

const HOUR = 3_600_000
const hours = (...rows: readonly number[]): Pick<StoredRows, 'activityHours'> => ({
  activityHours: () => Promise.resolve(rows.map((count, index) => ({ hourMs: index * HOUR, rows: count }))),
})

test('the hours of sums are looked at some at a time, the newest first, and all of them', async () => {
  expect(await hourRanges(hours(), 10)).toEqual([{ fromMs: 0, beforeMs: Number.MAX_SAFE_INTEGER }])
  expect(await hourRanges(hours(3, 3, 3), 10)).toEqual([{ fromMs: 0, beforeMs: Number.MAX_SAFE_INTEGER }])
  expect(await hourRanges(hours(5, 50, 4, 6), 10)).toEqual([
    { fromMs: 2 * HOUR, beforeMs: Number.MAX_SAFE_INTEGER },
    { fromMs: HOUR, beforeMs: 2 * HOUR },
    { fromMs: 0, beforeMs: HOUR },
  ])
})

test('sums are of the commits up to the checkpoints they were read with, and of their own hours', () => {
  const P0 = partitionNumber(0)
  const check = new ActivityCheck(
    { fromMs: HOUR, beforeMs: 2 * HOUR },
    { rows: [], archived: [], checkpoints: new Map([[P0, 5]]) },
  )
  const commit = (seq: number, at: number): StoredCommit => ({
    seq,
    at: instant(at),
    partition: P0,
    stream: { kind: 'task', id: 't' },
    firstVersion: 1,
    namespace: 'n',
    actor: 'a',
    worker: undefined,
    cause: 'c',
    types: ['task.submitted'],
    text: '[{}]',
    hash: Buffer.alloc(32),
  })
  expect(check.counts(commit(5, HOUR))).toBe(true)
  expect(check.counts(commit(6, HOUR))).toBe(false)
  expect(check.counts(commit(5, HOUR - 1))).toBe(false)
  expect(check.counts(commit(5, 2 * HOUR))).toBe(false)
  check.add([
    {
      hour: instant(HOUR),
      namespace: namespaceOf('n'),
      name: 'order',
      version: '1.0.0',
      step: undefined,
      submitted: 1,
      completed: 0,
      failed: 0,
      cancelled: 0,
      retried: 0,
      steps: 0,
      durationMsSum: 0,
      durationMsMax: 0,
      lastEndedAt: instant(0),
    },
  ])
  expect(check.differences()).toMatchObject([{ projection: 'activity', kind: 'missing', row: { hour_ms: HOUR, step: '' } }])
  check.spoil('something is not known')
  expect(check.differences()).toEqual([])
})
