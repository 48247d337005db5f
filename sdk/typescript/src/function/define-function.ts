/** Durable functions: code whose operations are journaled, so that it goes on after any crash where it was. */
import { checkName } from '../definition/check-name.js'
import { inputJsonSchema, type Schema, type SchemaInput, type SchemaOutput } from '../definition/schema.js'
import type { TaskDefinition } from '../definition/task.js'
import { stepAddress } from '../definition/template.js'
import type { Continued, FunctionContext } from '../durable/context.js'
import type { FunctionBody } from '../durable/start.js'
import type { JsonObject, Jsonified } from '../step/json.js'

export interface FunctionOptions<S> {
  readonly namespace: string
  /** Semver, such as `1.0.0`. A task stays on the version it began with. */
  readonly version: string
  /** Any Standard Schema (zod, valibot, arktype …) of the input. */
  readonly input?: S
}

/** The document that is registered with the server; the body stays in the worker. */
export interface FunctionDocument {
  readonly kind: 'function'
  readonly name: string
  readonly namespace_name: string
  readonly version: string
  readonly input_schema?: JsonObject
}

/** What a function is to those who run, replay or call it. */
export interface FunctionDefinition<Input = never, Result = unknown> {
  readonly name: string
  readonly namespace: string
  readonly version: string
  readonly schema: Schema | undefined
  readonly body: FunctionBody
  template(): FunctionDocument
  /** Never set; carries the types. */
  readonly types?: { readonly input: (input: Input) => void; readonly result: Result }
}

type ResultOf<Returned> = Jsonified<Exclude<Awaited<Returned>, Continued>>

/**
 * Defines a durable function. Its body does nothing of the world by itself: what it does, it does in `ctx.step`, and what it waits for are
 * operations of `ctx`. Then it can be run again from its journal, and comes to the same place. Throws `INVALID_INPUT` for what is no name.
 */
export function defineFunction<S extends Schema, Returned>(
  name: string,
  options: FunctionOptions<S> & { readonly input: S },
  body: (context: FunctionContext, input: SchemaOutput<S>) => Returned,
): FunctionDefinition<SchemaInput<S>, ResultOf<Returned>>
export function defineFunction<Input = JsonObject, Returned = unknown>(
  name: string,
  options: FunctionOptions<never>,
  body: (context: FunctionContext, input: Input) => Returned,
): FunctionDefinition<Input, ResultOf<Returned>>
export function defineFunction(name: string, options: FunctionOptions<Schema>, body: FunctionBody): FunctionDefinition {
  checkName(name, 'a function')
  checkName(options.namespace, 'a namespace')
  checkName(options.version, 'a version')
  const { namespace, version, input: schema } = options
  return { name, namespace, version, schema, body, template: () => documentOf(name, options) }
}

const documentOf = (name: string, { namespace, version, input }: FunctionOptions<Schema>): FunctionDocument => {
  const inputSchema = input === undefined ? undefined : inputJsonSchema(input)
  const document = { kind: 'function', name, namespace_name: namespace, version } as const
  return inputSchema === undefined ? document : { ...document, input_schema: inputSchema }
}

/** The one step of a task that runs a function. */
const RUN_STEP = 'run'

/** Where a function is addressed: `name@version/run`. */
export const functionAddress = ({ name, version }: FunctionDefinition): string => stepAddress(name, version, RUN_STEP)

export const isFunction = (definition: TaskDefinition | FunctionDefinition): definition is FunctionDefinition =>
  'body' in definition
