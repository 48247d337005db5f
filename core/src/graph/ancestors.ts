/** The ancestors of a step: everything it waits for, directly or through others. */
import { invariant } from '../kernel/invariant.js'
import type { Plan } from '../template/plan.js'

/** Answers stay with their plan, because one plan serves all tasks of a template and its steps ask again and again. */
const known = new WeakMap<Plan, (readonly number[] | undefined)[]>()

/** Indexes of all transitive dependencies of a step, in ascending order; computed once a plan. */
export const ancestorsOf = (plan: Plan, step: number): readonly number[] => {
  let answers = known.get(plan)
  if (answers === undefined) {
    answers = plan.steps.map(() => undefined)
    known.set(plan, answers)
  }
  const answer = answers[step] ?? walkUp(plan, step)
  answers[step] = answer
  return answer
}

/** Indexes of the steps whose results a step is given: its ancestors, or its dependencies alone where the template says `direct`. */
export const visibleTo = (plan: Plan, step: number): readonly number[] => {
  switch (plan.template.dependencyScope) {
    case 'ancestors':
      return ancestorsOf(plan, step)
    case 'direct':
      return plan.dependencies[step] ?? []
  }
}

const walkUp = (plan: Plan, step: number): readonly number[] => {
  invariant(step in plan.steps, `the plan has no step ${step}`)
  const found = new Set<number>(plan.dependencies[step])
  for (const node of found) for (const dependency of plan.dependencies[node] ?? []) found.add(dependency)
  return [...found].sort((a, b) => a - b)
}
