/** The ancestors of a step: everything it waits for, directly or through others. */
import { invariant } from '../kernel/invariant.js'
import type { StepGraph } from '../template/plan.js'
import type { LiveTask } from '../task/state.js'

/** Answers stay with their graph, because one plan serves all tasks of a template and its steps ask again and again. */
const known = new WeakMap<StepGraph, (readonly number[] | undefined)[]>()

/** Indexes of all transitive dependencies of a step, in ascending order; computed once a graph. */
export const ancestorsOf = (graph: StepGraph, step: number): readonly number[] => {
  let answers = known.get(graph)
  if (answers === undefined) {
    answers = graph.steps.map(() => undefined)
    known.set(graph, answers)
  }
  const answer = answers[step] ?? walkUp(graph, step)
  answers[step] = answer
  return answer
}

/** Indexes of the steps whose results a step is given: its ancestors, or its dependencies alone where the template says `direct`. */
export const visibleTo = ({ plan, graph }: Pick<LiveTask, 'plan' | 'graph'>, step: number): readonly number[] => {
  switch (plan.template.dependencyScope) {
    case 'ancestors':
      return ancestorsOf(graph, step)
    case 'direct':
      return graph.dependencies[step] ?? []
  }
}

const walkUp = (graph: StepGraph, step: number): readonly number[] => {
  invariant(step in graph.steps, `the graph has no step ${step}`)
  const found = new Set<number>(graph.dependencies[step])
  for (const node of found) for (const dependency of graph.dependencies[node] ?? []) found.add(dependency)
  return [...found].sort((a, b) => a - b)
}
