/** The resolver of what a worker was given outright: each handler under its callable, and steps of definitions under their addresses. */
import { TaskerError } from '../errors/tasker-error.js'
import { EXPLICIT_PRIORITY, handlerName, type HandlerResolver, type ResolvedHandler } from './resolver.js'

export const explicitMapping = (handlers: readonly ResolvedHandler[]): HandlerResolver => {
  const byCallable = new Map<string, ResolvedHandler>()
  for (const handler of handlers) {
    const { callable } = handler
    if (callable === undefined)
      throw refused('MISSING_CALLABLE', `a handler of class ${handler.constructor.name} has no callable`)
    if (byCallable.has(callable)) throw refused('DUPLICATE_HANDLER', `two handlers are called ${callable}`)
    byCallable.set(callable, handler)
  }
  return {
    name: 'explicit_mapping',
    priority: EXPLICIT_PRIORITY,
    callables: () => [...byCallable.keys()],
    // A function may be offered for one method of a callable, under `callable#method`.
    resolve: (request) => byCallable.get(handlerName(request)) ?? byCallable.get(request.callable),
  }
}

const refused = (reason: string, message: string): TaskerError => new TaskerError({ code: 'INVALID_INPUT', reason, message })
