/** What must hold between the steps of a template: names, dependencies, no cycle; the special types have rules of their own. */
import { cyclesOf } from '../graph/cycles.js'
import { checkBatches } from './batch-rules.js'
import { checkDecisions } from './decision-rules.js'
import { didYouMean, shown } from './nearest.js'
import { addProblem, type Findings } from './problem.js'
import { nameOf, type Step } from './named-steps.js'

/** Cycles named at most; breaking them shows the next. */
const CYCLES_SHOWN_MAX = 10
/** Steps of one cycle that are named at most. */
const CYCLE_STEPS_SHOWN_MAX = 20

/** Notes every broken rule; looks at each step and each dependency a fixed number of times. */
export const checkGraph = (steps: readonly Step[], findings: Findings): void => {
  const indexOf = indexNames(steps, findings)
  const edges = steps.map((step) => edgesOf(step, indexOf, findings))
  const cycles = cyclesOf(edges, CYCLES_SHOWN_MAX)
  for (const cycle of cycles) noteCycle(steps, cycle, findings)
  checkDecisions({ steps, edges, indexOf }, cycles.length === 0, findings)
  checkBatches({ steps, edges, indexOf }, findings)
}

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
