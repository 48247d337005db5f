/** A template compiled for the decider: steps by index, edges both ways. One plan serves all tasks of a template hash. */
import { invariant } from '../kernel/invariant.js'
import type { StepId, TemplateHash } from '../kernel/ids.js'
import { type BatchSpec, batchSpecs } from './batch-spec.js'
import { type Lifecycle, NO_LIFECYCLE, taskLifecycle, type TaskLifecycle } from './lifecycle.js'
import type { StepSpec, Template } from './template.js'

/** Steps by index with their edges both ways. A task begins with its plan's graph, and has one of its own once it has steps of its own. */
export interface StepGraph {
  readonly steps: readonly StepSpec[]
  readonly indexOf: ReadonlyMap<StepId, number>
  /** Per step, the indexes of the steps it waits for. */
  readonly dependencies: readonly (readonly number[])[]
  /** Per step, the indexes of the steps that wait for it. */
  readonly dependents: readonly (readonly number[])[]
}

export interface Plan extends StepGraph {
  readonly hash: TemplateHash
  readonly template: Template
  /** No step asks for more than to run once all it depends on is complete, so the quick way of deciding is enough. */
  readonly plain: boolean
  /** Some step needs a place of a key. */
  readonly keyed: boolean
  /** Some step has a time that runs while it waits, so what becomes ready arms a timer. */
  readonly timed: boolean
  /** The work of some step is another task. */
  readonly delegates: boolean
  /** Indexes of the steps nobody waits for; their outputs are the task's result. */
  readonly leaves: readonly number[]
  /** One a batchable step. */
  readonly batches: readonly BatchSpec[]
  /** Whether any step publishes domain events. */
  readonly publishes: boolean
  /** How long its tasks may stay as they are. */
  readonly lifecycle: TaskLifecycle
  /** False where a step that runs or waits for a worker can never go stale: the check that the hot path makes. */
  readonly watched: boolean
}

/** The template must have passed validation: unique names, known dependencies, no cycle. */
export const planOf = (template: Template, hash: TemplateHash): Plan => {
  const indexOf = new Map<StepId, number>()
  template.steps.forEach((step, index) => indexOf.set(step.name, index))
  const dependents: number[][] = template.steps.map(() => [])
  const dependencies = template.steps.map((step, index) =>
    step.dependencies.map((name) => {
      const dependency = indexOf.get(name)
      invariant(dependency !== undefined, `step ${step.name} depends on unknown ${name}`)
      dependents[dependency]?.push(index)
      return dependency
    }),
  )
  const leaves = dependents.flatMap((list, index) => (list.length === 0 ? [index] : []))
  const plain = template.steps.every(isPlain)
  const batches = batchSpecs(template.steps)
  const keyed = template.steps.some((step) => step.keys.length > 0)
  const timed = template.steps.some(isTimed)
  const publishes = template.steps.some((step) => step.publishes.length > 0)
  const plan = {
    hash,
    template,
    steps: template.steps,
    indexOf,
    dependencies,
    dependents,
    plain,
    keyed,
    timed,
    delegates: template.steps.some(({ type }) => type === 'function'),
    leaves,
    batches,
    publishes,
  }
  return { ...plan, ...watchOf(template, NO_LIFECYCLE) }
}

/** The plan under a server's settings, which go before the system's default and behind what the template says. */
export const planUnder = (plan: Plan, settings: Lifecycle): Plan => ({ ...plan, ...watchOf(plan.template, settings) })

const watchOf = (template: Template, settings: Lifecycle): Pick<Plan, 'lifecycle' | 'watched'> => {
  const lifecycle = taskLifecycle(template.lifecycle, settings)
  const { given, thresholdsMs } = lifecycle
  const inProcessMs = thresholdsMs.steps_in_process ?? Number.POSITIVE_INFINITY
  const watched =
    given.has('steps_in_process') ||
    given.has('duration') ||
    template.steps.some((step) => step.lifecycle !== undefined || (step.type !== 'function' && step.timeoutMs > inProcessMs))
  return { lifecycle, watched }
}

const isTimed = (step: StepSpec): boolean => step.scheduleToStartMs !== undefined || step.scheduleToCloseMs !== undefined

const isPlain = (step: StepSpec): boolean =>
  step.type === 'standard' &&
  step.when === undefined &&
  step.onFailure === 'block' &&
  step.join === 'all' &&
  step.compensate === undefined
