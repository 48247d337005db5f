/** What must hold between the steps of a template: names, dependencies, no cycle, and the rules of the special types. */
import { cyclesOf } from '../graph/cycles.js'
import { didYouMean, shown } from './nearest.js'
import { addProblem, type Findings } from './problem.js'
import type { Located, StepFields } from './read-step.js'

/** Cycles named at most; breaking them shows the next. */
const CYCLES_SHOWN_MAX = 10
/** Steps of one cycle that are named at most. */
const CYCLE_STEPS_SHOWN_MAX = 20

type Step = Located<StepFields>

/** Notes every broken rule; looks at each step and each dependency a fixed number of times. */
export const checkGraph = (steps: readonly Step[], findings: Findings): void => {
  const indexOf = indexNames(steps, findings)
  const edges = steps.map((step) => edgesOf(step, indexOf, findings))
  for (const cycle of cyclesOf(edges, CYCLES_SHOWN_MAX)) noteCycle(steps, cycle, findings)
  checkDecisions(steps, edges, findings)
  checkWorkerTemplates(steps, edges, indexOf, findings)
}

const nameOf = (step: Step | undefined): string => step?.value.name?.value ?? '?'

const indexNames = (steps: readonly Step[], findings: Findings): ReadonlyMap<string, number> => {
  const indexOf = new Map<string, number>()
  steps.forEach((step, index) => {
    const name = step.value.name
    if (name === undefined) return
    const earlier = indexOf.get(name.value)
    if (earlier === undefined) indexOf.set(name.value, index)
    else
      addProblem(
        findings,
        'DUPLICATE_STEP',
        name.path,
        `the step ${shown(name.value)} stands already at ${steps[earlier]?.path ?? ''}`,
      )
  })
  return indexOf
}

const edgesOf = (step: Step, indexOf: ReadonlyMap<string, number>, findings: Findings): readonly number[] => {
  const edges = new Set<number>()
  const seen = new Set<string>()
  const own = nameOf(step)
  for (const { value: name, path } of step.value.dependencies ?? []) {
    const index = indexOf.get(name)
    if (seen.has(name)) addProblem(findings, 'DUPLICATE_DEPENDENCY', path, `${shown(own)} depends on ${shown(name)} twice`)
    else if (name === own) addProblem(findings, 'SELF_DEPENDENCY', path, `the step ${shown(own)} depends on itself`)
    else if (index === undefined) noteUnknown(own, name, path, indexOf, findings)
    else edges.add(index)
    seen.add(name)
  }
  return [...edges]
}

const noteUnknown = (own: string, name: string, path: string, known: ReadonlyMap<string, number>, findings: Findings): void => {
  const hint = didYouMean(findings, name, known.keys())
  addProblem(findings, 'UNKNOWN_DEPENDENCY', path, `${shown(own)} depends on ${shown(name)}, which is no step of this template`, {
    hint,
  })
}

const noteCycle = (steps: readonly Step[], cycle: readonly number[], findings: Findings): void => {
  const [first, second] = [steps[cycle[0] ?? 0], steps[cycle[1] ?? 0]]
  const names = cycle.slice(0, CYCLE_STEPS_SHOWN_MAX).map((index) => nameOf(steps[index]))
  const more = cycle.length > names.length ? [`… ${cycle.length - names.length} more`] : []
  const edge = first?.value.dependencies?.find((dependency) => dependency.value === nameOf(second))
  const path = [...names, ...more, nameOf(first)].join(' -> ')
  addProblem(findings, 'CYCLE', edge?.path ?? first?.path ?? '/steps', `these steps wait for each other: ${path}`)
}

const checkDecisions = (steps: readonly Step[], edges: readonly (readonly number[])[], findings: Findings): void => {
  const branched = behindBranches(steps, edges)
  steps.forEach((step, index) => {
    const { type } = step.value
    if (type?.value === 'decision' && (step.value.dependencies ?? []).length === 0)
      addProblem(findings, 'DECISION_WITHOUT_DEPENDENCY', type.path, `the decision ${shown(nameOf(step))} needs a step before it`)
    if (type?.value === 'deferred_convergence' && !branched.has(index)) {
      const message = `${shown(nameOf(step))} has no decision and no batch before it whose branches could come together`
      addProblem(findings, 'CONVERGENCE_WITHOUT_BRANCH', type.path, message)
    }
  })
}

/** The steps that wait, directly or not, for a step that opens branches. */
const behindBranches = (steps: readonly Step[], edges: readonly (readonly number[])[]): ReadonlySet<number> => {
  const backwards: number[][] = steps.map(() => [])
  edges.forEach((list, index) => {
    for (const dependency of list) backwards[dependency]?.push(index)
  })
  const behind = new Set<number>()
  steps.forEach((step, index) => {
    if (step.value.type?.value === 'decision' || step.value.type?.value === 'batchable')
      for (const waiting of backwards[index] ?? []) behind.add(waiting)
  })
  for (const index of behind) for (const waiting of backwards[index] ?? []) behind.add(waiting)
  return behind
}

const checkWorkerTemplates = (
  steps: readonly Step[],
  edges: readonly (readonly number[])[],
  indexOf: ReadonlyMap<string, number>,
  findings: Findings,
): void => {
  const isWorker = (index: number | undefined): boolean =>
    index !== undefined && steps[index]?.value.type?.value === 'batch_worker'
  const feeds = new Set(edges.flatMap((list, index) => (isWorker(index) ? list : [])))
  steps.forEach((step, index) => {
    const named = workerTemplatesOf(step)
    for (const { value: name, path } of named)
      if (!isWorker(indexOf.get(name)))
        addProblem(findings, 'UNKNOWN_WORKER_TEMPLATE', path, `${shown(name)} is no step of type batch_worker in this template`)
    const type = step.value.type
    if (type?.value === 'batchable' && named.length === 0 && !feeds.has(index)) {
      const message = `the batchable step ${shown(nameOf(step))} has no step of type batch_worker that depends on it`
      addProblem(findings, 'UNKNOWN_WORKER_TEMPLATE', type.path, message)
    }
  })
}

const workerTemplatesOf = (step: Step): readonly Located<string>[] => {
  const initialization = step.value.type?.value === 'batchable' ? step.value.handler?.value.initialization : undefined
  const byHandler = initialization?.value.worker_template_name
  const byConfig = step.value.batch_config?.worker_template
  return [
    ...(initialization !== undefined && typeof byHandler === 'string'
      ? [{ value: byHandler, path: `${initialization.path}/worker_template_name` }]
      : []),
    ...(byConfig === undefined ? [] : [byConfig]),
  ]
}
