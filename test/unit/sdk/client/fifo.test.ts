// The client's queue against the array it stands for.
import { createFifo } from '@tasker/sdk/internal/client/fifo'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('a fifo gives what an array gives, however it is filled and emptied', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(), fc.constant('shift' as const), fc.constant('take' as const)), { maxLength: 200 }),
      (acts) => {
        const fifo = createFifo<number>()
        const model: number[] = []
        for (const act of acts) {
          if (act === 'shift') expect(fifo.shift()).toBe(model.shift())
          else if (act === 'take') expect(fifo.takeAll()).toEqual(model.splice(0))
          else {
            fifo.push(act)
            model.push(act)
          }
          expect(fifo.size()).toBe(model.length)
          expect(fifo.first()).toBe(model[0])
        }
      },
    ),
  )
})

test('a fifo that was long gives its memory back and keeps its order', () => {
  const fifo = createFifo<number>()
  for (let item = 0; item < 10_000; item++) fifo.push(item)
  for (let item = 0; item < 9_000; item++) expect(fifo.shift()).toBe(item)
  expect(fifo.takeAll()).toEqual(Array.from({ length: 1_000 }, (_, index) => 9_000 + index))
})
