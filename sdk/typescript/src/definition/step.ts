/** Handlers for templates that are written in YAML, by the name the template calls them. */
import type { StepContext } from '../step/context.js'
import type { JsonObject } from '../step/json.js'
import type { Schema, SchemaOutput } from './schema.js'
import type { StoredHandler } from './task.js'

/** A function that runs the steps whose `handler.callable` is its name. */
export interface StepDefinition {
  readonly callable: string
  readonly schema: Schema | undefined
  readonly handler: StoredHandler
}

/**
 * Offers a function as `callable`. The types of input, deps and config are what you say they are, unless a schema checks the input:
 * an input that does not fit it fails the step for good, with the failing path.
 */
export function defineStep<Input = JsonObject, Deps = JsonObject, Config = JsonObject>(
  callable: string,
  handler: (context: StepContext<Input, Deps, Config>) => unknown,
): StepDefinition
export function defineStep<S extends Schema, Deps = JsonObject, Config = JsonObject>(
  callable: string,
  options: { readonly input: S },
  handler: (context: StepContext<SchemaOutput<S>, Deps, Config>) => unknown,
): StepDefinition
export function defineStep(
  callable: string,
  second: StoredHandler | { readonly input: Schema },
  third?: StoredHandler,
): StepDefinition {
  const schema = typeof second === 'function' ? undefined : second.input
  const handler = typeof second === 'function' ? second : third
  if (handler === undefined) throw new TypeError(`defineStep('${callable}', …) was given no handler`)
  return { callable, schema, handler }
}

/**
 * The class form: one object for the steps whose `handler.callable` is its `callable`. A template's `handler.method` picks another
 * method than `call`; each public method is offered as `callable#method`.
 */
export abstract class StepHandler {
  abstract readonly callable: string
  /** Runs a step; what it returns is the step's result. */
  abstract call(context: StepContext<JsonObject, JsonObject>): unknown
}

/** The methods of a class handler besides `call`, inherited ones included. */
export const methodsOf = (handler: StepHandler): readonly string[] => {
  const names = new Set<string>()
  let level: unknown = Object.getPrototypeOf(handler)
  while (typeof level === 'object' && level !== null && level !== StepHandler.prototype && level !== Object.prototype) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (typeof property.value === 'function' && name !== 'constructor' && name !== 'call') names.add(name)
    }
    level = Object.getPrototypeOf(level)
  }
  return [...names]
}
