import { test } from 'vitest'
import { holdIn } from './worlds.js'

test('whatever goes wrong in 500 further worlds, no acknowledged task is lost and every invariant holds', {
  timeout: 1_800_000,
}, async () => {
  await holdIn(501, 500)
})
