/** Durable functions: code whose operations are journaled, so that it goes on after any crash where it was. */
import { checkName } from '../definition/check-name.js'
import type { Schema, SchemaInput, SchemaOutput } from '../definition/schema.js'
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

/** What a function is to those who run, replay or call it. */
export interface FunctionDefinition<Input = never, Result = unknown> {
  readonly name: string
  readonly namespace: string
  readonly version: string
  readonly schema: Schema | undefined
  readonly body: FunctionBody
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
  return { name, namespace: options.namespace, version: options.version, schema: options.input, body }
}
