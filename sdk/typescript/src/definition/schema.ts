/** Input schemas of any library that speaks Standard Schema, such as zod. */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { TaskerError, type InputProblem } from '../errors/tasker-error.js'
import { pointerToken, type JsonObject } from '../step/json.js'

export type Schema = StandardSchemaV1

/** Whose output is of a type that is known. */
export type SchemaOf<Output> = StandardSchemaV1<unknown, Output>

/** What callers give, before the schema's own transformations. */
export type SchemaInput<S extends Schema> = StandardSchemaV1.InferInput<S>

/** What handlers see. */
export type SchemaOutput<S extends Schema> = StandardSchemaV1.InferOutput<S>

/** The schema's output; throws `INVALID_INPUT` with every failing path. A schema that is synchronous is answered without a promise. */
export const validated = (schema: Schema, value: unknown, subject: string): unknown => {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then((settled) => outputOf(settled, subject)) : outputOf(result, subject)
}

const outputOf = (result: StandardSchemaV1.Result<unknown>, subject: string): unknown => {
  if (result.issues === undefined) return result.value
  const errors = result.issues.map(problemOf)
  const told = errors.map((problem) => `${problem.path === '' ? '(whole)' : problem.path}: ${problem.message}`).join('; ')
  throw new TaskerError({
    code: 'INVALID_INPUT',
    reason: 'INPUT_SCHEMA_VIOLATION',
    message: `the input of ${subject} does not fit its schema: ${told}`,
    errors,
  })
}

const problemOf = (issue: StandardSchemaV1.Issue): InputProblem => ({
  code: 'SCHEMA_VIOLATION',
  message: issue.message,
  path: (issue.path ?? [])
    .map((segment) => `/${pointerToken(String(typeof segment === 'object' ? segment.key : segment))}`)
    .join(''),
})

/** The JSON Schema of what callers give, where the library can tell it. */
export const inputJsonSchema = (schema: Schema): JsonObject | undefined => {
  if (!tellsJsonSchema(schema)) return undefined
  try {
    const told: unknown = JSON.parse(JSON.stringify(schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' })))
    return isJsonObject(told) ? told : undefined
  } catch {
    // Some schemas (a custom class, a transformation) have no JSON Schema; the client's and the worker's own checks remain.
    return undefined
  }
}

/** The JSON Schema of what a step returns. Only the server checks results, so a schema that cannot be told to it is refused. */
export const resultJsonSchema = (schema: Schema, step: string): JsonObject => {
  const told = inputJsonSchema(schema)
  if (told !== undefined) return told
  throw new TaskerError({
    code: 'INVALID_INPUT',
    reason: 'SCHEMA_WITHOUT_JSON_SCHEMA',
    message: `the result schema of step ${step} cannot be told as JSON Schema, so nobody could check it`,
    hint: 'leave out what JSON cannot say, such as custom classes and transformations',
  })
}

const tellsJsonSchema = (schema: Schema): schema is Schema & StandardJSONSchemaV1 => 'jsonSchema' in schema['~standard']

const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
