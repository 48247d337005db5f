/** Cycles of a dependency graph, as the paths that people are shown. Nodes are indexes; `edges[n]` are the nodes that `n` waits for. */

/**
 * The first cycles that a walk in order of index meets, each as the nodes along it, beginning with its lowest index; the last of them waits
 * for the first. Every node is walked once, so a cycle that shares all its edges with earlier ones may stay unnamed until those are gone;
 * none is found only when there is none.
 */
export const cyclesOf = (edges: readonly (readonly number[])[], countMax: number): readonly (readonly number[])[] => {
  const cycles: (readonly number[])[] = []
  const walk: Walk = { edges, place: edges.map(() => NOT_SEEN), path: [], next: [] }
  for (let start = 0; start < edges.length; start++) {
    if (walk.place[start] === NOT_SEEN) enter(walk, start)
    while (walk.path.length > 0) {
      const from = advance(walk)
      if (from !== undefined) cycles.push(lowestFirst(walk.path.slice(from)))
      if (cycles.length >= countMax) return cycles
    }
  }
  return cycles
}

const NOT_SEEN = -1
const DONE = -2

/** A depth-first walk without recursion: a chain of a thousand steps must not need a thousand frames. */
interface Walk {
  readonly edges: readonly (readonly number[])[]
  /** Per node its place on the path, or one of the two marks. */
  readonly place: number[]
  readonly path: number[]
  /** Per node on the path, which of its edges is taken next. */
  readonly next: number[]
}

const enter = (walk: Walk, node: number): void => {
  walk.place[node] = walk.path.length
  walk.path.push(node)
  walk.next.push(0)
}

/** Takes one edge from the end of the path, or leaves its last node; answers where on the path an edge back has led. */
const advance = (walk: Walk): number | undefined => {
  const last = walk.path.length - 1
  const node = walk.path[last] ?? 0
  const taken = walk.next[last] ?? 0
  const target = walk.edges[node]?.[taken]
  if (target === undefined) {
    walk.place[node] = DONE
    walk.path.pop()
    walk.next.pop()
    return undefined
  }
  walk.next[last] = taken + 1
  const place = walk.place[target] ?? DONE
  if (place >= 0) return place
  if (place === NOT_SEEN) enter(walk, target)
  return undefined
}

const lowestFirst = (cycle: readonly number[]): readonly number[] => {
  const lowest = cycle.reduce((best, node, at) => (node < (cycle[best] ?? 0) ? at : best), 0)
  return [...cycle.slice(lowest), ...cycle.slice(0, lowest)]
}
