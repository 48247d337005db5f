/** What must hold of decisions and of what brings their branches together. */
import { elementAt } from '../kernel/invariant.js'
import { topologicalOrder } from '../graph/order.js'
import { LIMITS } from '../limits.js'
import { nameOf, typeOf, type NamedSteps } from './named-steps.js'
import { shown } from './nearest.js'
import { addProblem, addWarning, type Findings } from './problem.js'

const DEPTH_USUAL = 10
const BRANCHES_USUAL = 50

/** How deep decisions stand can only be said of a graph without a cycle. */
export const checkDecisions = (graph: NamedSteps, acyclic: boolean, findings: Findings): void => {
  const { steps, edges } = graph
  const dependents = backwardsOf(edges)
  const branched = behindBranches(graph, dependents)
  steps.forEach((step, index) => {
    const { type } = step.value
    if (type?.value === 'decision' && (step.value.dependencies ?? []).length === 0)
      addProblem(findings, 'DECISION_WITHOUT_DEPENDENCY', type.path, `the decision ${shown(nameOf(step))} needs a step before it`)
    if (type?.value === 'deferred_convergence' && !branched.has(index)) {
      const message = `${shown(nameOf(step))} has no decision and no batch before it whose branches could come together`
      addProblem(findings, 'CONVERGENCE_WITHOUT_BRANCH', type.path, message)
    }
    const count = dependents[index]?.length ?? 0
    if (type?.value === 'decision' && count > BRANCHES_USUAL) {
      const message = `${count} steps wait for the decision ${shown(nameOf(step))}; it may choose ${LIMITS.stepsPerDecisionMax}`
      addWarning(findings, 'MANY_BRANCHES', type.path, message)
    }
  })
  if (acyclic) checkDepth(graph, dependents, findings)
}

/** Names the first decision that stands too deep, and warns of the first that stands unusually deep. */
const checkDepth = ({ steps, edges }: NamedSteps, dependents: readonly (readonly number[])[], findings: Findings): void => {
  const depths = steps.map(() => 0)
  let warned = false
  for (const index of topologicalOrder(edges, dependents)) {
    const step = steps[index]
    const isDecision = typeOf(step) === 'decision'
    const depth = Math.max(0, ...elementAt(edges, index, 'edges').map((other) => depths[other] ?? 0)) + (isDecision ? 1 : 0)
    depths[index] = depth
    const path = step?.value.type?.path
    if (!isDecision || path === undefined || depth <= DEPTH_USUAL) continue
    const message = `${shown(nameOf(step))} is decision ${depth} one behind another`
    if (depth > LIMITS.decisionDepthMax) {
      addProblem(findings, 'DECISIONS_TOO_DEEP', path, `${message}; ${LIMITS.decisionDepthMax} are the limit`)
      return
    }
    if (!warned) addWarning(findings, 'DEEP_DECISIONS', path, message)
    warned = true
  }
}

/** The steps that wait, directly or not, for a step that opens branches. */
const behindBranches = ({ steps }: NamedSteps, dependents: readonly (readonly number[])[]): ReadonlySet<number> => {
  const behind = new Set<number>()
  steps.forEach((step, index) => {
    if (typeOf(step) === 'decision' || typeOf(step) === 'batchable')
      for (const waiting of dependents[index] ?? []) behind.add(waiting)
  })
  for (const index of behind) for (const waiting of dependents[index] ?? []) behind.add(waiting)
  return behind
}

const backwardsOf = (edges: readonly (readonly number[])[]): readonly (readonly number[])[] => {
  const backwards: number[][] = edges.map(() => [])
  edges.forEach((list, index) => {
    for (const dependency of list) backwards[dependency]?.push(index)
  })
  return backwards
}
