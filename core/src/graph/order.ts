/** The order in which the steps of a graph may run one after another. */
import { invariant } from '../kernel/invariant.js'

/**
 * Every node behind all nodes it waits for; where the graph leaves a choice, in order of index. The graph must have no cycle.
 * `edges[n]` are the nodes that `n` waits for, `backwards[n]` those that wait for `n`.
 */
export const topologicalOrder = (
  edges: readonly (readonly number[])[],
  backwards: readonly (readonly number[])[],
): readonly number[] => {
  const unmet = edges.map((list) => list.length)
  const order = unmet.flatMap((count, node) => (count === 0 ? [node] : []))
  for (let at = 0; at < order.length; at++) {
    for (const waiting of backwards[order[at] ?? 0] ?? []) {
      const left = (unmet[waiting] ?? 0) - 1
      unmet[waiting] = left
      if (left === 0) order.push(waiting)
    }
  }
  invariant(order.length === edges.length, 'a graph with a cycle has no order')
  return order
}
