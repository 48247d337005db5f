// Lengths of time as people write them.
import { durationMs } from '@tasker/sdk/internal/duration'
import { expect, test } from 'vitest'

test('numbers are milliseconds, and texts name their unit', () => {
  expect([1_500, '500ms', '30s', '1.5m', '2h', '1d'].map((duration) => durationMs(duration as '1s'))).toEqual([
    1_500, 500, 30_000, 90_000, 7_200_000, 86_400_000,
  ])
})

test('what is no duration is refused', () => {
  for (const wrong of ['', '10', 's', '-1s', '1 s', '1e3s', '1y', -1, Number.NaN, Infinity]) {
    expect(() => durationMs(wrong as '1s'), String(wrong)).toThrow(/not a duration/)
  }
})
