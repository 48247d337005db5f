import { workerId } from '@tasker/core'
import { KeptFunctions } from '@tasker/server/internal/dispatch/kept-functions'
import { expect, test } from 'vitest'
import { requestId } from '../../../support/engine.js'

const kept = (facts: number) => ({ worker: workerId('w'), life: 1, facts })

test('of more functions than are remembered the longest kept are forgotten', () => {
  const functions = new KeptFunctions(2)
  functions.keep(requestId(1), kept(1))
  functions.keep(requestId(2), kept(2))
  functions.keep(requestId(1), kept(3))
  functions.keep(requestId(3), kept(4))
  expect([1, 2, 3].map((n) => functions.of(requestId(n))?.facts)).toEqual([3, undefined, 4])
  expect(functions.size).toBe(2)
})

test('what is taken is kept no more', () => {
  const functions = new KeptFunctions()
  functions.keep(requestId(1), kept(1))
  expect(functions.take(requestId(1))).toEqual(kept(1))
  expect(functions.take(requestId(1))).toBeUndefined()
})
