import { cyclesOf, topologicalOrder } from '@tasker/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** A list of edges whose every read is counted, to show that work grows with the graph and not faster. */
const counted = (edges: readonly (readonly number[])[]): { edges: readonly (readonly number[])[]; reads: () => number } => {
  let reads = 0
  const watch = (list: readonly number[]): readonly number[] =>
    new Proxy(list, {
      get: (target, key, receiver): unknown => {
        reads++
        return Reflect.get(target, key, receiver)
      },
    })
  return { edges: edges.map(watch), reads: () => reads }
}

const chain = (length: number): readonly (readonly number[])[] =>
  Array.from({ length }, (_, node) => (node === 0 ? [] : [node - 1]))

const graph = fc
  .nat(12)
  .chain((size) => fc.array(fc.array(fc.nat(size), { maxLength: 4 }), { minLength: size + 1, maxLength: size + 1 }))

const backwards = (edges: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  edges.map((_, node) => edges.flatMap((list, waiting) => list.filter((target) => target === node).map(() => waiting)))

describe('cycles', () => {
  test('a chain has none', () => {
    expect(cyclesOf(chain(5), 10)).toEqual([])
  })

  test('a cycle is named along its edges, from its lowest node on', () => {
    expect(cyclesOf([[], [3], [1], [2]], 10)).toEqual([[1, 3, 2]])
    expect(cyclesOf([[0]], 10)).toEqual([[0]])
  })

  test('separate cycles are all named, up to the number asked for', () => {
    const pairs = [[1], [0], [3], [2], [5], [4]]
    expect(cyclesOf(pairs, 10)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ])
    expect(cyclesOf(pairs, 2)).toHaveLength(2)
  })

  test('what is named is a cycle, and where none is named there is an order', () => {
    fc.assert(
      fc.property(graph, (edges) => {
        const cycles = cyclesOf(edges, 5)
        for (const cycle of cycles)
          cycle.forEach((node, at) => {
            expect(edges[node]).toContain(cycle[(at + 1) % cycle.length])
          })
        if (cycles.length > 0) expect(() => topologicalOrder(edges, backwards(edges))).toThrow('no order')
        else expect(topologicalOrder(edges, backwards(edges))).toHaveLength(edges.length)
      }),
    )
  })

  test('twice the steps cost twice the reads, on a chain and on layers', () => {
    const layers = (count: number): readonly (readonly number[])[] =>
      Array.from({ length: count * 10 }, (_, node) =>
        node < 10 ? [] : Array.from({ length: 10 }, (_, i) => Math.floor(node / 10) * 10 - 10 + i),
      )
    for (const shape of [chain, layers]) {
      const [small, large] = [counted(shape(500)), counted(shape(1_000))]
      expect([cyclesOf(small.edges, 1), cyclesOf(large.edges, 1)]).toEqual([[], []])
      expect(small.reads()).toBeGreaterThan(0)
      expect(large.reads() / small.reads()).toBeLessThan(2.1)
    }
  })
})

describe('order', () => {
  test('every step stands behind what it waits for, and steps that may be exchanged keep the order of the file', () => {
    expect(topologicalOrder([[2], [], [1], []], [[], [2], [0], []])).toEqual([1, 3, 2, 0])
  })
})
