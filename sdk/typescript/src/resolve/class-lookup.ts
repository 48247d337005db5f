/** Finds handlers by a path into the modules that a worker was given: `Billing.Card` is the class `Card` of the module `Billing`. */
import type { HandlerObject } from '../definition/step-handler.js'
import { LIMITS } from '../limits.js'
import { CLASS_LOOKUP_PRIORITY, type HandlerResolver } from './resolver.js'

/** Modules, classes and objects by name, as `import * as billing from './billing.js'` gives them. */
export interface HandlerModules {
  readonly [name: string]: unknown
}

type HandlerClass = new () => HandlerObject

/**
 * Offers every class with a method `call` that is found in the modules, under its path written with dots or with `::`. An object of it is made
 * once, without arguments, when the worker is made.
 */
export const classLookup = (modules: HandlerModules, options: { readonly priority?: number } = {}): HandlerResolver => {
  const classes = new Map<string, HandlerClass>()
  collect(modules, [], classes)
  const made = new Map<HandlerClass, HandlerObject>()
  return {
    name: 'class_lookup',
    priority: options.priority ?? CLASS_LOOKUP_PRIORITY,
    callables: () => [...classes.keys()],
    resolve: ({ callable }) => {
      const found = classes.get(callable)
      if (found === undefined) return undefined
      const handler = made.get(found) ?? new found()
      made.set(found, handler)
      return handler
    },
  }
}

const collect = (modules: object, path: readonly string[], classes: Map<string, HandlerClass>): void => {
  if (path.length >= LIMITS.lookupDepthMax) return
  for (const [name, value] of Object.entries(modules) as readonly (readonly [string, unknown])[]) {
    const here = [...path, name]
    if (isHandlerClass(value)) for (const separator of ['.', '::']) classes.set(here.join(separator), value)
    else if (typeof value === 'object' && value !== null) collect(value, here, classes)
  }
}

const isHandlerClass = (value: unknown): value is HandlerClass => {
  if (typeof value !== 'function') return false
  const prototype: unknown = value.prototype
  return typeof prototype === 'object' && prototype !== null && 'call' in prototype && typeof prototype.call === 'function'
}
