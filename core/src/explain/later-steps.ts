/** What built on a step. */
import { elementAt } from '../kernel/invariant.js'
import type { LiveTask } from '../task/state.js'

/** Everything that depends on a step, directly or not, in the order of the graph. */
export const laterSteps = ({ graph }: LiveTask, index: number): readonly number[] => {
  const found = new Set(elementAt(graph.dependents, index, 'dependents'))
  for (const later of found) for (const next of elementAt(graph.dependents, later, 'dependents')) found.add(next)
  return [...found].sort((a, b) => a - b)
}
