/** The typed builder: a task whose steps know the types of the results they wait for. */
import { TaskerError } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import type { StepContext } from '../step/context.js'
import type { JsonObject, Jsonified } from '../step/json.js'
import type { StepOptions, TaskOptions } from './options.js'
import type { Schema, SchemaInput, SchemaOutput } from './schema.js'
import { templateOf, type TemplateDocument } from './template.js'

/** A handler whose context was checked when it was defined, and is not looked at again. */
export type StoredHandler = (context: never) => unknown

interface StoredStep {
  readonly name: string
  readonly options: StepOptions
  readonly handler: StoredHandler
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

type NewName<Name extends string, Steps> = Name extends keyof Steps ? `the step '${Name}' is defined already` : Name
/** No field is known of it. */
type NoSteps = object

/** Grown step by step; each `step` gives a new definition and leaves the old one as it was. */
export class TaskBuilder<Input, Seen, Steps, Leaf extends keyof Steps> implements TaskDefinition<Input, TaskResult<Steps, Leaf>> {
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
  ): TaskBuilder<Input, Seen, Steps & Record<Name, Jsonified<Awaited<Returned>>>, Leaf | Name>
  /** A step with options; `deps` holds the results of the steps named in `after`. */
  step<Name extends string, Returned, const After extends readonly (keyof Steps & string)[] = readonly []>(
    name: Name & NewName<Name, Steps>,
    options: StepOptions<After>,
    handler: (context: StepContext<Seen, { readonly [Dependency in After[number]]: Steps[Dependency] }>) => Returned,
  ): TaskBuilder<Input, Seen, Steps & Record<Name, Jsonified<Awaited<Returned>>>, Exclude<Leaf, After[number]> | Name>
  step(name: string, second: StepOptions | StoredHandler, third?: StoredHandler): unknown {
    const options = typeof second === 'function' ? {} : second
    const handler = typeof second === 'function' ? second : third
    if (handler === undefined) throw refused('MISSING_HANDLER', `step ${name} of ${this.name} has no handler`)
    this.#check(name, options)
    return new TaskBuilder(this.name, this.#options, [...this.steps, { name, options, handler }])
  }

  /** The document that is registered with the server. */
  template(): TemplateDocument {
    this.#template ??= templateOf(this.name, this.#options, this.steps)
    return this.#template
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

const checkName = (name: string, what: string): void => {
  if (name !== '' && name.length <= LIMITS.nameCharsMax) return
  throw refused('BAD_NAME', `the name of ${what} has 1 to ${LIMITS.nameCharsMax} characters, not ${name.length}`)
}

const refused = (reason: string, message: string, hint?: string): TaskerError =>
  new TaskerError({ code: 'INVALID_INPUT', reason, message, ...(hint === undefined ? {} : { hint }) })
