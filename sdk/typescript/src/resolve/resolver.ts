/** What finds the handler of a step: a chain of resolvers, asked in the order of their priorities. */
import type { StepDefinition } from '../definition/step.js'
import type { HandlerObject } from '../definition/step-handler.js'

/** What a template says about the handler of a step. */
export interface HandlerRequest {
  readonly callable: string
  /** `call` where the template names none. */
  readonly method: string
}

/** What a resolver gives: a definition, or an object with a method `call` and perhaps others. */
export type ResolvedHandler = StepDefinition | HandlerObject

/** Finds handlers by a rule of its own. The worker's `handlers` are asked at priority 10, class look-ups at 100. */
export interface HandlerResolver {
  /** What `handler.resolver` of a template calls it; a template that names it asks it alone. */
  readonly name: string
  /** The lowest is asked first. */
  readonly priority: number
  /**
   * The callables it can find, each perhaps with a method (`Billing.Card#refund`): the worker announces them, and is given no others. The methods
   * of an object that it finds under an announced callable need not be said.
   */
  callables(): readonly string[]
  /** The handler, or nothing when another resolver may know it. What was found is kept for the life of the worker. */
  resolve(request: HandlerRequest): ResolvedHandler | undefined | Promise<ResolvedHandler | undefined>
}

export const EXPLICIT_PRIORITY = 10
export const CLASS_LOOKUP_PRIORITY = 100

/** `ClassLookup`, `class_lookup` and `class-lookup` are one name. */
export const resolverKey = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/** The name under which the server keeps the steps of a handler: the callable, with its method where it names another than `call`. */
export const handlerName = ({ callable, method }: HandlerRequest): string =>
  method === '' || method === 'call' ? callable : `${callable}#${method}`
