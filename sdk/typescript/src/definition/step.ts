/** Handlers that are functions, for templates that are written in YAML, by the name the template calls them. */
import type { ApiOptions } from '../api/api.js'
import type { BatchAnalyzerContext, BatchWorkerContext, DecisionContext, StepContext } from '../step/context.js'
import type { JsonObject } from '../step/json.js'
import type { Batches, Decision, Failed, MayBeLater } from '../step/outcome.js'
import type { Schema, SchemaOutput } from './schema.js'
import type { StoredHandler } from './task.js'
import type { Gathers } from '../step/gather.js'

/** A function that runs the steps whose `handler.callable` is its name. */
export interface StepDefinition {
  readonly callable: string
  readonly schema: Schema | undefined
  readonly api: ApiOptions | undefined
  readonly handler: StoredHandler
  /** In a step of a definition that waits for batches: what it waits for, and which of them are batches. */
  readonly gathers?: Gathers
}

/** What may stand before the function. */
export interface HandlerOptions {
  /** Base URL, headers and timeout of `context.api`. */
  readonly api?: ApiOptions
}

type AnyOptions = HandlerOptions & { readonly input?: Schema }

/**
 * Offers a function as `callable`. The types of input, deps and config are what you say they are, unless a schema checks the input:
 * an input that does not fit it fails the step for good, with the failing path.
 */
export interface DefineHandler<Kind, Returned> {
  <Input = JsonObject, Deps = JsonObject, Config = JsonObject>(
    callable: string,
    handler: (context: StepContext<Input, Deps, Config> & Kind) => Returned,
  ): StepDefinition
  <S extends Schema, Deps = JsonObject, Config = JsonObject>(
    callable: string,
    options: HandlerOptions & { readonly input: S },
    handler: (context: StepContext<SchemaOutput<S>, Deps, Config> & Kind) => Returned,
  ): StepDefinition
  <Input = JsonObject, Deps = JsonObject, Config = JsonObject>(
    callable: string,
    options: HandlerOptions,
    handler: (context: StepContext<Input, Deps, Config> & Kind) => Returned,
  ): StepDefinition
}

const definition = (callable: string, second: StoredHandler | AnyOptions, third?: StoredHandler): StepDefinition => {
  const options: AnyOptions = typeof second === 'function' ? {} : second
  const handler = typeof second === 'function' ? second : third
  if (handler === undefined) throw new TypeError(`the handler ${callable} has no function`)
  return { callable, schema: options.input, api: options.api, handler }
}

/** For `type: standard`: what the function returns is the step's result. */
export const defineStep: DefineHandler<unknown, unknown> = definition

/** For `type: decision`: the function returns `context.route(…)` with the steps that are created, or `context.skip(…)`. */
export const defineDecision: DefineHandler<DecisionContext, MayBeLater<Decision | Failed>> = definition

/** For `type: batchable`: the function returns `context.batches(…)` with ranges, or `context.noBatches()`. */
export const defineBatchAnalyzer: DefineHandler<BatchAnalyzerContext, MayBeLater<Batches | Failed>> = definition

/** For `type: batch_worker`: the function does `context.batch`, and saves how far it is with `context.checkpoint(…)`. */
export const defineBatchWorker: DefineHandler<BatchWorkerContext, unknown> = definition

/** For a step that calls an HTTP service through `context.api`: what is the same for all its calls is said once. */
export function defineApiStep<S extends Schema, Deps = JsonObject, Config = JsonObject>(
  callable: string,
  options: ApiOptions & { readonly input: S },
  handler: (context: StepContext<SchemaOutput<S>, Deps, Config>) => unknown,
): StepDefinition
export function defineApiStep<Input = JsonObject, Deps = JsonObject, Config = JsonObject>(
  callable: string,
  options: ApiOptions,
  handler: (context: StepContext<Input, Deps, Config>) => unknown,
): StepDefinition
export function defineApiStep(
  callable: string,
  options: ApiOptions & { readonly input?: Schema },
  handler: StoredHandler,
): StepDefinition {
  const { input, ...api } = options
  return { callable, schema: input, api, handler }
}
