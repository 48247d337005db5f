/** What a worker can run: the names it announces, and the handler of each command. */
import type { StepCommand } from '@tasker/proto'
import { validated, type Schema } from '../definition/schema.js'
import type { TaskDefinition } from '../definition/task.js'
import { compensateAddress, stepAddress } from '../definition/template.js'
import { PermanentError } from '../errors/handler-errors.js'
import { TaskerError } from '../errors/tasker-error.js'
import { chainOf, type BoundHandler, type Resolution } from '../resolve/chain.js'
import { explicitMapping } from '../resolve/explicit-mapping.js'
import type { HandlerResolver, ResolvedHandler } from '../resolve/resolver.js'
import type { AttemptContext } from '../step/attempt-context.js'
import type { StepContext } from '../step/context.js'

/** Runs one attempt; gives the handler's result or its promise, or throws what the handler throws. */
export type Handler = (context: AttemptContext) => unknown

/**
 * Stands around every attempt of a worker: gives what `run` gives, or something else. `name` is the handler's as the server calls it, such as
 * `order@1.0.0/charge`.
 */
export type AroundAttempt = (name: string, context: StepContext, run: () => unknown) => unknown

export interface Handlers {
  /** What the worker announces. */
  readonly names: readonly string[]
  /** The handler of a command, at once where it is known already; throws or rejects with what keeps it from being found. */
  find(command: StepCommand): Handler | Promise<Handler>
}

/** Refuses two handlers of one name, two resolvers of one name, and definitions of another namespace than the worker's. */
export const handlersOf = (
  namespace: string,
  tasks: readonly TaskDefinition[],
  handlers: readonly ResolvedHandler[],
  resolvers: readonly HandlerResolver[] = [],
  around?: AroundAttempt,
): Handlers => {
  const chain = chainOf([explicitMapping([...tasks.flatMap((task) => stepsOf(task, namespace)), ...handlers]), ...resolvers])
  // By the resolver that the template names, which is hardly ever any, and then by name: this is looked at for every step.
  const known = new Map<string, Map<string, Handler>>()
  const keep = (hint: string, name: string, resolution: Resolution): Handler => {
    if (resolution.type === 'none') throw new PermanentError(resolution.why, { code: 'HANDLER_NOT_FOUND' })
    const { run } = resolution.handler
    const surrounded = around === undefined ? run : (context: never) => around(name, context, () => run(context))
    const handler = handlerOf({ ...resolution.handler, run: surrounded })
    const ofHint = known.get(hint)
    if (ofHint === undefined) known.set(hint, new Map([[name, handler]]))
    else ofHint.set(name, handler)
    return handler
  }
  return {
    names: chain.names(),
    find: ({ handler: callable, method, resolver: hint }) => {
      const isCall = method === '' || method === 'call'
      const name = isCall ? callable : `${callable}#${method}`
      const handler = known.get(hint)?.get(name)
      if (handler !== undefined) return handler
      const resolution = chain.resolve({ callable, method: isCall ? 'call' : method }, hint)
      return resolution instanceof Promise ? resolution.then((later) => keep(hint, name, later)) : keep(hint, name, resolution)
    },
  }
}

const stepsOf = (task: TaskDefinition, namespace: string): readonly ResolvedHandler[] => {
  if (task.namespace !== namespace) {
    const message = `the task ${task.name} is of the namespace ${task.namespace}, the worker of ${namespace}`
    throw new TaskerError({ code: 'INVALID_INPUT', reason: 'NAMESPACE_MISMATCH', message })
  }
  return task.steps.flatMap((step) => {
    const address = stepAddress(task.name, task.version, step.name)
    const { compensate } = step.options
    const of = { schema: task.schema, api: undefined }
    const gathers = step.batches.length === 0 ? {} : { gathers: { after: step.options.after ?? [], batches: step.batches } }
    const own = step.handler === undefined ? [] : [{ ...of, ...gathers, callable: address, handler: step.handler }]
    if (compensate === undefined) return own
    const handler = typeof compensate === 'function' ? compensate : compensate.handler
    return [...own, { ...of, callable: compensateAddress(address), handler }]
  })
}

const handlerOf = ({ schema, api, gathers, subject, run }: BoundHandler): Handler => {
  const plain: Handler = (context) => run(anyContext(context))
  const ready: Handler = (context) => {
    if (api !== undefined) context.acceptApi(api)
    if (gathers !== undefined) context.acceptGathers(gathers)
    return run(anyContext(context))
  }
  const handler = api === undefined && gathers === undefined ? plain : ready
  return schema === undefined ? handler : checked(schema, subject, handler)
}

const checked =
  (schema: Schema, subject: string, handler: Handler): Handler =>
  (context) => {
    const runWith = (input: unknown): unknown => {
      context.acceptInput(input)
      return handler(context)
    }
    const input = validated(schema, context.input, subject)
    return input instanceof Promise ? input.then(runWith) : runWith(input)
  }

/** The wall of the types: what a definition promised about its context is taken at its word from here on. */
const anyContext = (context: AttemptContext): never => context as never
