/**
 * Which steps exist: what decisions chose, what lies behind that, and what can never come any more.
 *
 * B1  A step behind no decision exists from the start. A step behind decisions exists as soon as one of them chose it, or one of the steps
 *     behind decisions that it depends on exists; it is not taken once none of that can come true any more, and open until then.
 * B2  A decision that ended without a choice (skipped, resolved by hand) chose nothing.
 * B3  The worker template of a batch exists when its batchable step does, and is never created itself: its workers are.
 */
import type { StepId } from '../kernel/ids.js'
import { elementAt } from '../kernel/invariant.js'
import type { StepType } from '../template/template.js'
import { topologicalOrder } from './order.js'

/** What of a graph of steps this asks for. */
export interface BranchedGraph {
  readonly steps: readonly { readonly name: StepId; readonly type: StepType }[]
  readonly dependencies: readonly (readonly number[])[]
  readonly dependents: readonly (readonly number[])[]
}

/** What is so already: the steps that exist or are not taken, and what each decision that was made chose. */
export interface Branching {
  readonly isOpen: (index: number) => boolean
  readonly isNotTaken: (index: number) => boolean
  readonly choices: ReadonlyMap<number, readonly number[]>
}

export interface Branched {
  readonly created: readonly number[]
  readonly notTaken: readonly number[]
}

const known = new WeakMap<BranchedGraph, { readonly order: readonly number[]; readonly gated: readonly boolean[] }>()

const shapeOf = (graph: BranchedGraph): { readonly order: readonly number[]; readonly gated: readonly boolean[] } => {
  const shape = known.get(graph)
  if (shape !== undefined) return shape
  const order = topologicalOrder(graph.dependencies, graph.dependents)
  const gated = graph.steps.map(() => false)
  for (const index of order) gated[index] = dependenciesOf(graph, index).some((before) => opens(graph, gated, before))
  const made = { order, gated }
  known.set(graph, made)
  return made
}

/** Steps that can be created: all but worker templates (B3). */
const canBeCreated = (graph: BranchedGraph, index: number): boolean =>
  elementAt(graph.steps, index, 'steps').type !== 'batch_worker'

/** The steps that exist before any decision is made, in the order of the template (B1). */
export const initialSegment = (graph: BranchedGraph): readonly number[] => {
  const { gated } = shapeOf(graph)
  return graph.steps.flatMap((_, index) => (gated[index] === true || !canBeCreated(graph, index) ? [] : [index]))
}

/** The steps a decision may name: all behind it up to the next decisions, those included; workers are made by their batch alone. */
export const branchesOf = (graph: BranchedGraph, decision: number): ReadonlySet<number> => {
  const found = new Set(elementAt(graph.dependents, decision, 'dependents'))
  for (const index of found) {
    if (elementAt(graph.steps, index, 'steps').type === 'decision') continue
    for (const next of elementAt(graph.dependents, index, 'dependents')) found.add(next)
  }
  for (const index of found) if (!canBeCreated(graph, index)) found.delete(index)
  return found
}

/** What `branching` makes certain of the steps that are still open, in the order of the template. */
export const branchedBy = (graph: BranchedGraph, branching: Branching): Branched => {
  const { order, gated } = shapeOf(graph)
  const named = new Set([...branching.choices.values()].flat())
  const fates = graph.steps.map((): Fate => 'exists')
  const created: number[] = []
  const notTaken: number[] = []
  for (const index of order) {
    if (!branching.isOpen(index)) {
      fates[index] = branching.isNotTaken(index) ? 'not_taken' : 'exists'
    } else if (gated[index] === true) {
      const fate = named.has(index) ? 'exists' : fateOf({ graph, gated, fates, branching }, index)
      fates[index] = fate
      if (fate === 'not_taken') notTaken.push(index)
      else if (fate === 'exists' && canBeCreated(graph, index)) created.push(index)
    }
  }
  return { created: created.toSorted(ascending), notTaken: notTaken.toSorted(ascending) }
}

type Fate = 'exists' | 'not_taken' | 'open'

interface Walk {
  readonly graph: BranchedGraph
  readonly gated: readonly boolean[]
  readonly fates: readonly Fate[]
  readonly branching: Branching
}

const fateOf = (walk: Walk, index: number): Fate => {
  const { graph, gated } = walk
  const worker = elementAt(graph.steps, index, 'steps').type === 'batch_worker'
  let fate: Fate = 'not_taken'
  for (const before of dependenciesOf(graph, index)) {
    const { type } = elementAt(graph.steps, before, 'steps')
    if (worker ? type !== 'batchable' : !opens(graph, gated, before)) continue
    const one = type === 'decision' ? choiceFate(walk, before, index) : elementAt(walk.fates, before, 'fates')
    if (one === 'exists') return 'exists'
    if (one === 'open') fate = 'open'
  }
  return fate
}

const choiceFate = ({ fates, branching }: Walk, decision: number, index: number): Fate => {
  const chosen = branching.choices.get(decision)
  if (chosen !== undefined) return chosen.includes(index) ? 'exists' : 'not_taken'
  return fates[decision] === 'not_taken' ? 'not_taken' : 'open'
}

/** A dependency that says something about whether a step behind it exists. */
const opens = (graph: BranchedGraph, gated: readonly boolean[], before: number): boolean =>
  gated[before] === true || elementAt(graph.steps, before, 'steps').type === 'decision'

const dependenciesOf = (graph: BranchedGraph, index: number): readonly number[] =>
  elementAt(graph.dependencies, index, 'dependencies')

const ascending = (a: number, b: number): number => a - b
