/** A queue read one by one and in batches gives its items in order, each once. */
import { fifo } from '@tasker/server/internal/fifo'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('whatever the mix of pushes, shifts and takes, it behaves as a plain list', () => {
  const move = fc.oneof(
    fc.record({ type: fc.constant('push' as const), item: fc.integer() }),
    fc.record({ type: fc.constant('shift' as const) }),
    fc.record({ type: fc.constant('take' as const), itemsMax: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ type: fc.constant('clear' as const) }),
  )
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const queue = fifo<number>()
      let list: number[] = []
      for (const made of moves) {
        switch (made.type) {
          case 'push':
            queue.push(made.item)
            list.push(made.item)
            break
          case 'shift':
            expect(queue.shift()).toBe(list.shift())
            break
          case 'take':
            expect(queue.take(made.itemsMax)).toEqual(list.splice(0, made.itemsMax))
            break
          case 'clear':
            queue.clear()
            list = []
        }
        expect(queue.length).toBe(list.length)
      }
    }),
  )
})

test('one that never runs empty gives its items in order, for as long as it lives', () => {
  const queue = fifo<number>()
  let pushed = 0
  let next = 0
  while (pushed < 1_500) queue.push(pushed++)
  for (let turn = 0; turn < 10_000; turn++) {
    queue.push(pushed++)
    expect(queue.shift()).toBe(next++)
  }
  expect(queue.length).toBe(1_500)
  expect(queue.take(2)).toEqual([next, next + 1])
})
