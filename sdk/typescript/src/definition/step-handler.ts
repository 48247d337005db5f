/** Handlers that are objects: one class for the steps of a callable, with a method for each way the template may call it. */
import type { ApiOptions } from '../api/api.js'
import type { BatchAnalyzerContext, DecisionContext, StepContext } from '../step/context.js'
import type { JsonObject } from '../step/json.js'
import {
  failure,
  success,
  type Batches,
  type Decision,
  type Failed,
  type FailureOptions,
  type MayBeLater,
  type Success,
} from '../step/outcome.js'

/** Anything that can be called so is a handler; `StepHandler` is the form with its types written down. */
export interface HandlerObject {
  /** The name templates call it by; not asked for where a resolver gives it one. */
  readonly callable?: string
  /** Base URL, headers and timeout of `context.api`. */
  readonly api?: ApiOptions
  call(context: never): unknown
}

/** What a handler of a kind gives: a decision its branches, an analyzer its ranges, any other a value. */
type ReturnOf<Kind> = Kind extends DecisionContext
  ? MayBeLater<Decision | Failed>
  : Kind extends BatchAnalyzerContext
    ? MayBeLater<Batches | Failed>
    : unknown

/**
 * The class form of all kinds of handlers. `Kind` says what the context has beside the members of `StepContext`:
 * `StepHandler<DecisionContext>`, `StepHandler<BatchAnalyzerContext>`, `StepHandler<BatchWorkerContext>`; a field `api` sets up its
 * HTTP calls. A template's `handler.method` picks another method than `call`; each public method is offered as `callable#method`.
 */
export abstract class StepHandler<Kind = unknown> implements HandlerObject {
  abstract readonly callable: string
  /** Runs a step; what it returns is the step's result, or the outcome of its kind. Input, deps and config are of the types you say. */
  abstract call(context: StepContext<never, never, never> & Kind): ReturnOf<Kind>

  /** A result with metadata. */
  protected success<Result>(result: Result, metadata?: JsonObject): Success<Result> {
    return success(result, metadata)
  }

  /** A failure that is returned instead of thrown. */
  protected failure(message: string, options?: FailureOptions): Failed {
    return failure(message, options)
  }
}

/** The methods of a class handler besides `call`, inherited ones included. */
export const methodsOf = (handler: HandlerObject): readonly string[] => {
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
