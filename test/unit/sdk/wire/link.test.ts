// How long a lost stream waits before it is opened again.
import { reconnectMs } from '@tasker/sdk/internal/wire/link'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('waits double from the first to the longest', () => {
  expect([0, 1, 2, 3, 100].map((failures) => reconnectMs(failures, 1))).toEqual([50, 100, 200, 400, 1_000])
})

test('no wait is longer than a tenth of the grace a server gives, nor none at all', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, draw) => {
      const waitMs = reconnectMs(failures, draw)
      expect(waitMs).toBeGreaterThanOrEqual(25)
      expect(waitMs).toBeLessThanOrEqual(1_000)
    }),
  )
})
