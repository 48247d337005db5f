/** The typed builder: a task whose steps know the types of the results they wait for. */
import { TaskerError } from '../errors/tasker-error.js'
import type { BatchAnalyzerContext, StepContext } from '../step/context.js'
import type { JsonObject, JsonValue } from '../step/json.js'
import type { Batches, Decision, Failed, MayBeLater } from '../step/outcome.js'
import { checkName } from './check-name.js'
import type { ChildDefinition } from '../durable/context.js'
import type { BatchOptions, DecisionOptions, FunctionWorkOptions, StepOptions, TaskOptions } from './options.js'
import type { Schema, SchemaInput, SchemaOutput } from './schema.js'
import type { DepsOf, NewName, ResultBehind, ResultOf, TypedBatchWorker, TypedDecision } from './step-types.js'
import { analyzerOf, templateOf, type StepOutline, type TemplateDocument } from './template.js'

/** A handler whose context was checked when it was defined, and is not looked at again. */
export type StoredHandler = (context: never) => unknown

interface StoredStep extends StepOutline {
  /** None where the work is a durable function. */
  readonly handler: StoredHandler | undefined
  /** The batches among those it waits for. */
  readonly batches: readonly string[]
  /** A decision may leave it out. */
  readonly mayBeMissing: boolean
}

/** The result of a task: one field for each step that no other waits for. */
export type TaskResult<Steps, Leaf extends keyof Steps> = { readonly [Name in Leaf]: Steps[Name] }

/** What `client.submit` and `Worker` need of a definition. */
export interface TaskDefinition<Input = never, Result = unknown> {
  readonly name: string
  readonly namespace: string
  readonly version: string
  readonly schema: Schema | undefined
  readonly steps: readonly StoredStep[]
  template(): TemplateDocument
  /** Never set; carries the types. */
  readonly types?: { readonly input: (input: Input) => void; readonly result: Result }
}

/** No field is known of it. */
type NoSteps = object

/** Grown step by step; each `step` gives a new definition and leaves the old one as it was. */
export class TaskBuilder<Input, Seen, Steps, Leaf extends keyof Steps, Decisions extends string = never>
  implements TaskDefinition<Input, TaskResult<Steps, Leaf>>
{
  readonly name: string
  readonly namespace: string
  readonly version: string
  readonly schema: Schema | undefined
  readonly steps: readonly StoredStep[]
  declare readonly types?: { readonly input: (input: Input) => void; readonly result: TaskResult<Steps, Leaf> }
  readonly #options: TaskOptions<Schema>
  #template: TemplateDocument | undefined

  constructor(name: string, options: TaskOptions<Schema>, steps: readonly StoredStep[]) {
    this.name = name
    this.namespace = options.namespace
    this.version = options.version
    this.schema = options.input
    this.steps = steps
    this.#options = options
  }

  /** A step that starts at once. */
  step<Name extends string, Returned>(
    name: Name & NewName<Name, Steps>,
    handler: (context: StepContext<Seen>) => Returned,
  ): TaskBuilder<Input, Seen, Steps & Record<Name, ResultOf<Returned>>, Leaf | Name, Decisions>
  /**
   * A step with options; `deps` holds the results of the steps named in `after`. A step that waits for several goes on with those of them
   * that exist, where a decision chooses; what may be missing is `undefined` in its type.
   */
  step<Name extends string, Returned, const After extends readonly (keyof Steps & string)[] = readonly []>(
    name: Name & NewName<Name, Steps>,
    options: StepOptions<After>,
    handler: (context: StepContext<Seen, DepsOf<Steps, After>>) => Returned,
  ): TaskBuilder<
    Input,
    Seen,
    Steps & Record<Name, ResultBehind<Steps, After[number], Decisions, ResultOf<Returned>>>,
    Exclude<Leaf, After[number]> | Name,
    Decisions
  >
  /** A step whose work is a durable function: a task of its own, whose result is that of the step. */
  step<Name extends string, Result, const After extends readonly (keyof Steps & string)[] = readonly []>(
    name: Name & NewName<Name, Steps>,
    options: FunctionWorkOptions<After>,
    work: ChildDefinition<never, Result>,
  ): TaskBuilder<
    Input,
    Seen,
    Steps & Record<Name, ResultBehind<Steps, After[number], Decisions, Result>>,
    Exclude<Leaf, After[number]> | Name,
    Decisions
  >
  step(name: string, second: StepOptions | StoredHandler, third?: StoredHandler | ChildDefinition): unknown {
    const options = typeof second === 'function' ? {} : second
    if (typeof third === 'object') return this.#function(name, options, third)
    const handler = typeof second === 'function' ? second : third
    if (handler === undefined) throw refused('MISSING_HANDLER', `step ${name} of ${this.name} has no handler`)
    return this.#with({ name, type: this.#converges(options) ? 'deferred_convergence' : undefined, options, handler })
  }

  /** A step that chooses which of the steps behind it come into being: `route(…)` names some of `branches`, `skip()` none. */
  decision<
    Name extends string,
    Branch extends string,
    const After extends readonly [keyof Steps & string, ...(keyof Steps & string)[]],
  >(
    name: Name & NewName<Name, Steps>,
    options: DecisionOptions<After, Branch> & { readonly after: After },
    handler: (context: TypedDecision<Seen, DepsOf<Steps, After>, Branch>) => MayBeLater<Decision | Failed>,
  ): TaskBuilder<
    Input,
    Seen,
    Steps & Record<Name, ResultBehind<Steps, After[number], Decisions, JsonValue>>,
    Exclude<Leaf, After[number]> | Name,
    Decisions | Name
  >
  decision(name: string, options: DecisionOptions<readonly string[], string>, handler: StoredHandler): unknown {
    return this.#with({ name, type: 'decision', options, handler })
  }

  /**
   * Work in parts: `split` says the ranges, `work` does one of them, many at a time, and may save how far it is. A step that waits for the batch
   * sees the results of all its parts, in their order.
   */
  batch<Name extends string, Returned, const After extends readonly (keyof Steps & string)[] = readonly []>(
    name: Name & NewName<Name, Steps>,
    options: BatchOptions<After>,
    split: (context: StepContext<Seen, DepsOf<Steps, After>> & BatchAnalyzerContext) => MayBeLater<Batches | Failed>,
    work: (context: TypedBatchWorker<Seen>) => Returned,
  ): TaskBuilder<
    Input,
    Seen,
    Steps & Record<Name, ResultBehind<Steps, After[number], Decisions, readonly ResultOf<Returned>[]>>,
    Exclude<Leaf, After[number]>,
    Decisions
  >
  batch(name: string, options: BatchOptions, split: StoredHandler, work: StoredHandler): unknown {
    const { after = [], ...both } = options
    const analyzer = analyzerOf(name)
    return this.#with({ name: analyzer, type: 'batchable', options: { ...both, after }, handler: split }).#with({
      name,
      type: 'batch_worker',
      options: { ...both, after: [analyzer] },
      handler: work,
    })
  }

  /** The document that is registered with the server. */
  template(): TemplateDocument {
    this.#checkBranches()
    this.#template ??= templateOf(this.name, this.#options, this.steps)
    return this.#template
  }

  #function(name: string, options: FunctionWorkOptions, work: ChildDefinition): unknown {
    if (work.namespace !== this.namespace) {
      const message = `the step ${name} of ${this.name} is a function of the namespace ${work.namespace}, and the task of ${this.namespace}`
      throw refused('NAMESPACE_MISMATCH', message)
    }
    return this.#with({ name, type: 'function', options, handler: undefined, work: { name: work.name, version: work.version } })
  }

  #with(step: StepOutline & { readonly handler: StoredHandler | undefined }): TaskBuilder<Input, Seen, Steps, Leaf, Decisions> {
    this.#check(step.name, step.options)
    const before = this.#before(step.options)
    const added: StoredStep = {
      ...step,
      batches: before.filter(({ type }) => type === 'batch_worker').map(({ name }) => name),
      mayBeMissing: before.some(({ type, mayBeMissing }) => type === 'decision' || mayBeMissing),
    }
    return new TaskBuilder(this.name, this.#options, [...this.steps, added])
  }

  /** Waits for a batch, or for several steps of which a decision may leave some out. */
  #converges(options: StepOptions): boolean {
    const before = this.#before(options)
    return before.some(({ type, mayBeMissing }) => type === 'batch_worker' || (mayBeMissing && before.length > 1))
  }

  #before({ after = [] }: StepOptions): readonly StoredStep[] {
    return this.steps.filter(({ name }) => after.includes(name))
  }

  #checkBranches(): void {
    for (const decision of this.steps) {
      for (const branch of decision.options.branches ?? []) {
        const step = this.steps.find(({ name }) => name === branch)
        if (step?.options.after?.includes(decision.name) === true) continue
        throw refused(
          'UNKNOWN_BRANCH',
          `the decision ${decision.name} of ${this.name} may choose ${branch}, which is no step that waits for it`,
          `define ${branch} with \`after: ['${decision.name}']\``,
        )
      }
    }
  }

  #check(name: string, options: StepOptions): void {
    checkName(name, 'a step')
    const known = new Set(this.steps.map((step) => step.name))
    if (known.has(name)) throw refused('DUPLICATE_STEP', `the step ${name} is defined twice in ${this.name}`)
    for (const dependency of options.after ?? []) {
      if (dependency === name) throw refused('SELF_DEPENDENCY', `the step ${name} of ${this.name} waits for itself`)
      if (!known.has(dependency)) {
        throw refused(
          'UNKNOWN_DEPENDENCY',
          `the step ${name} of ${this.name} waits for ${dependency}, which is not defined before it`,
          `defined so far: ${[...known].join(', ') || 'none'}`,
        )
      }
    }
  }
}

/**
 * Starts a definition; add its steps with `.step(…)`. The handlers run in the workers that are given the definition, the graph
 * is registered with the server under (namespace, name, version). Throws `INVALID_INPUT` for what cannot be a definition.
 */
export function defineTask<S extends Schema>(
  name: string,
  options: TaskOptions<S> & { readonly input: S },
): TaskBuilder<SchemaInput<S>, SchemaOutput<S>, NoSteps, never>
export function defineTask(name: string, options: TaskOptions<never>): TaskBuilder<object, JsonObject, NoSteps, never>
export function defineTask(name: string, options: TaskOptions<Schema>): unknown {
  checkName(name, 'a task')
  checkName(options.namespace, 'a namespace')
  checkName(options.version, 'a version')
  return new TaskBuilder(name, options, [])
}

const refused = (reason: string, message: string, hint?: string): TaskerError =>
  new TaskerError({ code: 'INVALID_INPUT', reason, message, ...(hint === undefined ? {} : { hint }) })
