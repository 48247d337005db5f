/**
 * What `context`, `deps` and `task` stand for in the expressions of a step.
 *
 * X1  `deps` holds what the step is given: the results of its ancestors, or of its dependencies alone where the template says `direct`.
 * X2  A step without a result, such as one that was skipped, is null. Nobody has to know why to write a condition.
 * X3  Payloads stay text until an expression reads them, and are parsed once as long as they are kept.
 */
import { evaluateCondition, type Expression, type Roots } from '../expression/expression.js'
import type { KeyTemplate } from '../expression/key.js'
import { visibleTo } from '../graph/ancestors.js'
import { elementAt } from '../kernel/invariant.js'
import type { Json } from '../kernel/json.js'
import { parseJson } from '../kernel/json-scan.js'
import type { TaskSubmitted } from './events.js'
import type { LiveTask, StepComplete } from './state.js'

/** The roots for an expression of the step at an index. */
export const expressionRoots = (task: LiveTask, index: number, expression: Pick<Expression, 'deps'>): Roots => {
  let deps: Json | undefined
  return (root) => {
    switch (root) {
      case 'context':
        return contextOf(task.submitted)
      case 'deps':
        deps ??= depsOf(task, index, expression)
        return deps
      case 'task':
        return describedTask(task.submitted)
    }
  }
}

/** Whether the condition of a step holds. */
export const conditionHolds = (task: LiveTask, index: number, when: Expression): ReturnType<typeof evaluateCondition> =>
  evaluateCondition(when, expressionRoots(task, index, when))

/** The roots for all expressions of a key of the step. */
export const stepRoots = (task: LiveTask, index: number, { parts }: KeyTemplate): Roots => {
  const read = parts.flatMap((part) => (typeof part === 'string' ? [] : [part.deps]))
  const named = new Set(read.flatMap((deps) => (deps === 'all' ? [] : [...deps])))
  return expressionRoots(task, index, { deps: read.includes('all') ? 'all' : named })
}

/** What is known when a task is submitted; it has no results yet. */
export const submissionRoots =
  (submitted: TaskSubmitted): Roots =>
  (root) => {
    switch (root) {
      case 'context':
        return contextOf(submitted)
      case 'deps':
        return {}
      case 'task':
        return describedTask(submitted)
    }
  }

const contexts = new WeakMap<TaskSubmitted, Json>()
const outputs = new WeakMap<StepComplete, Json>()

const contextOf = (submitted: TaskSubmitted): Json => {
  const known = contexts.get(submitted)
  if (known !== undefined) return known
  const value = parseJson(submitted.context)
  contexts.set(submitted, value)
  return value
}

const parsedOutput = (step: StepComplete): Json => {
  const known = outputs.get(step)
  if (known !== undefined) return known
  const value = parseJson(step.output)
  outputs.set(step, value)
  return value
}

/** X1: only what is read is parsed. */
const depsOf = (task: LiveTask, index: number, { deps }: Pick<Expression, 'deps'>): Json =>
  Object.fromEntries(
    visibleTo(task, index).flatMap((dependency): [string, Json][] => {
      const { name } = elementAt(task.graph.steps, dependency, 'steps of the graph')
      if (deps !== 'all' && !deps.has(name)) return []
      const step = elementAt(task.steps, dependency, 'steps')
      return [[name, step.status === 'complete' ? parsedOutput(step) : null]]
    }),
  )

/** What was said when the task was submitted; what was not said is null. */
const describedTask = (submitted: TaskSubmitted): Json => ({
  namespace: submitted.namespace,
  name: submitted.name,
  version: submitted.version,
  priority: submitted.priority,
  tags: submitted.tags,
  correlation_id: submitted.correlationId,
  parent_correlation_id: submitted.parentCorrelationId ?? null,
  initiator: submitted.initiator ?? null,
  source_system: submitted.sourceSystem ?? null,
  reason: submitted.reason ?? null,
  idempotency_key: submitted.idempotencyKey ?? null,
})
