/** A graph with steps that its template does not list, which are added at its end: workers of a batch, and calls of a durable function. */
import type { StepId } from '../kernel/ids.js'
import { elementAt } from '../kernel/invariant.js'
import type { StepGraph } from '../template/plan.js'
import type { StepSpec } from '../template/template.js'

/** Whoever waited for the template waits for all workers instead; they wait for what it waited for. */
export const withWorkers = (graph: StepGraph, template: number, names: readonly StepId[]): StepGraph => {
  const spec = elementAt(graph.steps, template, 'steps')
  const first = graph.steps.length
  const workers = names.map((_, offset) => first + offset)
  const waiting = new Set(elementAt(graph.dependents, template, 'dependents'))
  const before = elementAt(graph.dependencies, template, 'dependencies')
  const steps = [
    ...graph.steps.map((step, index) => (waiting.has(index) ? dependingOn(step, spec.name, names) : step)),
    ...names.map((name): StepSpec => ({ ...spec, name })),
  ]
  const indexOf = new Map(graph.indexOf)
  names.forEach((name, offset) => indexOf.set(name, first + offset))
  const dependencies = [
    ...graph.dependencies.map((list, index) =>
      waiting.has(index) ? list.flatMap((other) => (other === template ? workers : [other])) : list,
    ),
    ...names.map(() => before),
  ]
  const awaited = new Set(before)
  const behind = elementAt(graph.dependents, template, 'dependents')
  const dependents = [
    ...graph.dependents.map((list, index) => {
      if (index === template) return []
      return awaited.has(index) ? [...list, ...workers] : list
    }),
    ...names.map(() => behind),
  ]
  return { steps, indexOf, dependencies, dependents }
}

/** Nobody waits for a call, and it waits for nobody. */
export const withCalls = (graph: StepGraph, calls: readonly StepSpec[]): StepGraph => {
  const indexOf = new Map(graph.indexOf)
  calls.forEach(({ name }, offset) => indexOf.set(name, graph.steps.length + offset))
  const alone = calls.map(() => NOBODY)
  return {
    steps: [...graph.steps, ...calls],
    indexOf,
    dependencies: [...graph.dependencies, ...alone],
    dependents: [...graph.dependents, ...alone],
  }
}

const NOBODY: readonly number[] = []

const dependingOn = (step: StepSpec, template: StepId, names: readonly StepId[]): StepSpec => ({
  ...step,
  dependencies: step.dependencies.flatMap((name) => (name === template ? names : [name])),
})
