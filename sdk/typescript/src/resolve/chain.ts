/** The chain of a worker: which names it announces, and which handler runs a command. */
import type { ApiOptions } from '../api/api.js'
import type { Schema } from '../definition/schema.js'
import type { StepDefinition } from '../definition/step.js'
import { methodsOf, type HandlerObject } from '../definition/step-handler.js'
import type { Gathers } from '../step/gather.js'
import { TaskerError } from '../errors/tasker-error.js'
import { handlerName, resolverKey, type HandlerRequest, type HandlerResolver, type ResolvedHandler } from './resolver.js'

/** A handler bound to the method that was asked for. */
export interface BoundHandler {
  /** What it is called in messages. */
  readonly subject: string
  readonly schema: Schema | undefined
  readonly api: ApiOptions | undefined
  readonly gathers: Gathers | undefined
  readonly run: (context: never) => unknown
}

/** The handler, or why there is none, in words for people. */
export type Resolution =
  | { readonly type: 'found'; readonly handler: BoundHandler }
  | { readonly type: 'none'; readonly why: string }

export interface ResolverChain {
  /** Every name the worker can run. */
  names(): readonly string[]
  /** Asks the resolver that the template names, or all of them in the order of their priorities; waits only where one of them does. */
  resolve(request: HandlerRequest, hint: string): Resolution | Promise<Resolution>
}

/** Refuses two resolvers of one name. */
export const chainOf = (resolvers: readonly HandlerResolver[]): ResolverChain => {
  // Sorting is stable: of one priority, the one that was given first is asked first.
  const inOrder = resolvers.toSorted((one, other) => one.priority - other.priority)
  const byName = new Map<string, HandlerResolver>()
  for (const resolver of inOrder) {
    const key = resolverKey(resolver.name)
    if (byName.has(key)) throw twice(resolver.name)
    byName.set(key, resolver)
  }
  return {
    names: () => [...new Set(inOrder.flatMap(namesOf))],
    resolve: (request, hint) => {
      if (hint === '') return firstOf(inOrder, 0, request)
      const named = byName.get(resolverKey(hint))
      if (named !== undefined) return firstOf([named], 0, request)
      return { type: 'none', why: `the template asks for the resolver ${hint}, which this worker does not have` }
    },
  }
}

const firstOf = (
  resolvers: readonly HandlerResolver[],
  from: number,
  request: HandlerRequest,
): Resolution | Promise<Resolution> => {
  for (let index = from; index < resolvers.length; index++) {
    const found = resolvers[index]?.resolve(request)
    if (found instanceof Promise) return found.then((later) => boundTo(later, request) ?? firstOf(resolvers, index + 1, request))
    const resolution = boundTo(found, request)
    if (resolution !== undefined) return resolution
  }
  const asked = resolvers.map(({ name }) => name).join(', ')
  return { type: 'none', why: `no resolver of this worker finds the handler ${handlerName(request)} (asked: ${asked})` }
}

const boundTo = (found: ResolvedHandler | undefined, request: HandlerRequest): Resolution | undefined => {
  const handler = found === undefined ? undefined : bound(found, request)
  return handler === undefined ? undefined : { type: 'found', handler }
}

const isDefinition = (found: ResolvedHandler): found is StepDefinition => 'handler' in found

const bound = (found: ResolvedHandler, request: HandlerRequest): BoundHandler | undefined => {
  const { method } = request
  const subject = `handler ${handlerName(request)}`
  if (isDefinition(found)) {
    const { schema, api, gathers, handler } = found
    const fits = method === 'call' || found.callable === handlerName(request)
    return fits ? { subject, schema, api, gathers, run: handler } : undefined
  }
  const plain = { subject, schema: undefined, api: found.api, gathers: undefined }
  if (method === 'call') return { ...plain, run: (context) => found.call(context) }
  return methodsOf(found).includes(method) ? { ...plain, run: (context) => callMethod(found, method, context) } : undefined
}

const callMethod = (handler: HandlerObject, name: string, context: never): unknown => {
  const method: unknown = Reflect.get(handler, name)
  if (typeof method !== 'function') throw new TypeError(`${name} is no method any more`)
  return Reflect.apply(method, handler, [context])
}

// Only what is there at once can be looked at for its methods; a resolver that loads later says them itself.
const namesOf = (resolver: HandlerResolver): readonly string[] =>
  resolver.callables().flatMap((callable) => {
    const found = resolver.resolve({ callable, method: 'call' })
    // What cannot be loaded now is asked for again by its first step, which tells of the error.
    if (found instanceof Promise) found.catch(() => undefined)
    if (found === undefined || found instanceof Promise || isDefinition(found)) return [callable]
    return [callable, ...methodsOf(found).map((method) => `${callable}#${method}`)]
  })

const twice = (name: string): TaskerError =>
  new TaskerError({
    code: 'INVALID_INPUT',
    reason: 'DUPLICATE_RESOLVER',
    message: `two resolvers are called ${name}`,
    hint: 'give each resolver of a worker a name of its own',
  })
