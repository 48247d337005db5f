/** Places are bounded, and each is given back once. */
import { placesFor } from '@tasker/server/internal/rest/places'
import { expect, test } from 'vitest'

test('who comes when all places are taken is turned away until one is free', () => {
  const places = placesFor(2, { code: 'BACKPRESSURE', reason: 'FULL', message: 'full' })
  const leave = places.take()
  places.take()
  expect(() => places.take()).toThrow('full')
  leave()
  leave()
  places.take()
  expect(() => places.take()).toThrow('full')
})
