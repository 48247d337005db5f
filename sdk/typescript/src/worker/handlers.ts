/** What a worker can run, by the name the server calls it. */
import type { StepCommand } from '@tasker/proto'
import { methodsOf, StepHandler, type StepDefinition } from '../definition/step.js'
import { validated, type Schema } from '../definition/schema.js'
import type { StoredHandler, TaskDefinition } from '../definition/task.js'
import { stepAddress } from '../definition/template.js'
import { TaskerError } from '../errors/tasker-error.js'
import type { AttemptContext, StepContext } from '../step/context.js'

/** Runs one attempt; gives the handler's result or its promise, or throws what the handler throws. */
export type Handler = (context: AttemptContext) => unknown

export type Handlers = ReadonlyMap<string, Handler>

/** Refuses two handlers of one name, and definitions of another namespace than the worker's. */
export const handlersOf = (
  namespace: string,
  tasks: readonly TaskDefinition[],
  steps: readonly (StepDefinition | StepHandler)[],
): Handlers => {
  const handlers = new Map<string, Handler>()
  const offer = (name: string, handler: Handler): void => {
    if (handlers.has(name)) throw refused('DUPLICATE_HANDLER', `two handlers are called ${name}`)
    handlers.set(name, handler)
  }
  for (const task of tasks) {
    if (task.namespace !== namespace) throw otherNamespace(task, namespace)
    for (const step of task.steps) {
      offer(stepAddress(task.name, task.version, step.name), checked(task.schema, `task ${task.name}`, step.handler))
    }
  }
  for (const step of steps) {
    if (step instanceof StepHandler) offerMethods(step, offer)
    else offer(step.callable, checked(step.schema, `step ${step.callable}`, step.handler))
  }
  return handlers
}

/** The name under which a command finds its handler: the callable, with its method where it names another than `call`. */
export const handlerName = (command: StepCommand): string =>
  command.method === '' || command.method === 'call' ? command.handler : `${command.handler}#${command.method}`

const offerMethods = (handler: StepHandler, offer: (name: string, handler: Handler) => void): void => {
  offer(handler.callable, (context) => handler.call(typed(context)))
  for (const name of methodsOf(handler)) {
    offer(`${handler.callable}#${name}`, (context) => {
      const method: unknown = Reflect.get(handler, name)
      if (typeof method !== 'function') throw new TypeError(`${handler.callable}#${name} is no method any more`)
      return Reflect.apply(method, handler, [context])
    })
  }
}

const checked = (schema: Schema | undefined, subject: string, handler: StoredHandler): Handler => {
  if (schema === undefined) return (context) => handler(typed(context))
  return (context) => {
    const input = validated(schema, context.input, subject)
    if (input instanceof Promise) return input.then((value) => runWith(context, value, handler))
    return runWith(context, input, handler)
  }
}

const runWith = (context: AttemptContext, input: unknown, handler: StoredHandler): unknown => {
  context.acceptInput(input)
  return handler(typed(context))
}

/** The wall of the types: what the definition promised about input, config and deps is taken at its word from here on. */
const typed = <Input, Deps, Config>(context: AttemptContext): StepContext<Input, Deps, Config> =>
  context as StepContext<Input, Deps, Config>

const otherNamespace = (task: TaskDefinition, namespace: string): TaskerError =>
  refused('NAMESPACE_MISMATCH', `the task ${task.name} is of the namespace ${task.namespace}, the worker of ${namespace}`)

const refused = (reason: string, message: string): TaskerError => new TaskerError({ code: 'INVALID_INPUT', reason, message })
