import { Fifo } from '@tasker/server/internal/fifo'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('what goes in first comes out first, whatever the turns, as from an array', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3_000, max: 3_000 }), { maxLength: 12 }), (turns) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      let next = 0
      for (const turn of turns) {
        for (let n = 0; n < turn; n++) {
          fifo.push(next)
          model.push(next++)
        }
        const out = Array.from({ length: Math.max(0, -turn) }, () => fifo.shift())
        expect(out).toEqual([...model.splice(0, out.length), ...Array<undefined>(out.length)].slice(0, out.length))
        expect(fifo.size).toBe(model.length)
      }
    }),
  )
})
