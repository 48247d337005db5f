/** JSON Schemas of a template, of its input and of results: compiled once a template, asked once a submission or a result. */
import { canonicalText, jsonPointer, parseJson, type Json, type JsonText } from '@tasker/core'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import type { InputProblem } from '../faults.js'

type JsonObject = { readonly [key: string]: Json }

/** Characters of a schema; compiling takes time in proportion, on the thread that serves everybody. */
const SCHEMA_CHARS_MAX = 128 * 1024
/** Compiled schemas kept; the one used longest ago goes first. */
const COMPILED_MAX = 500
/** Failing places of one value that are listed. */
const PROBLEMS_MAX = 100

const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/
const DRAFT_2020 = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/

/** What is wrong with a schema, with the path inside it. */
export interface SchemaFault {
  readonly path: string
  readonly message: string
  readonly hint: string | undefined
}

type Compiled =
  | { readonly type: 'compiled'; readonly validate: ValidateFunction }
  | { readonly type: 'faulty'; readonly faults: readonly SchemaFault[] }

/** The faults of a schema that a template is about to be registered with; none when it compiles. */
export const schemaFaults = (schema: JsonObject): readonly SchemaFault[] => {
  const compiled = compile(schema)
  return compiled.type === 'compiled' ? [] : compiled.faults
}

/** Every place of a value that a schema refuses. A schema is known by its object, of which a plan has one. */
export type SchemaCheck = (schema: JsonObject, value: JsonText) => readonly InputProblem[]

/** A check with a bounded memory of compiled schemas. */
export const schemaCheck = (compiledMax: number = COMPILED_MAX): SchemaCheck => {
  const kept = new Map<JsonObject, Compiled>()
  return (schema, value) => {
    const compiled = kept.get(schema) ?? compile(schema)
    kept.delete(schema)
    kept.set(schema, compiled)
    if (kept.size > compiledMax) for (const oldest of [...kept.keys()].slice(0, 1)) kept.delete(oldest)
    return problemsOf(compiled, parseJson(value))
  }
}

const problemsOf = (compiled: Compiled, value: unknown): readonly InputProblem[] => {
  if (compiled.type === 'faulty')
    return compiled.faults.map(({ message }) => ({ code: 'BAD_SCHEMA', path: '', message: `the template's schema: ${message}` }))
  if (compiled.validate(value)) return []
  return (compiled.validate.errors ?? []).slice(0, PROBLEMS_MAX).map(problemOf)
}

const compile = (schema: JsonObject): Compiled => {
  const fault = faultBeforeCompiling(schema)
  if (fault !== undefined) return { type: 'faulty', faults: [fault] }
  const grammar = grammarOf(schema)
  if (!grammar.validateSchema(schema)) {
    const faults = (grammar.errors ?? []).map((error) => ({
      path: error.instancePath,
      message: messageOf(error),
      hint: undefined,
    }))
    return { type: 'faulty', faults: firstOfEachPlace(faults) }
  }
  try {
    return { type: 'compiled', validate: compilerFor(schema).compile(schema) }
  } catch (error) {
    return {
      type: 'faulty',
      faults: [{ path: '', message: error instanceof Error ? error.message : String(error), hint: undefined }],
    }
  }
}

/** A meta-schema names one place many times, once a branch it tried. */
const firstOfEachPlace = (faults: readonly SchemaFault[]): readonly SchemaFault[] =>
  faults.filter((fault, index) => faults.findIndex((other) => other.path === fault.path) === index)

const faultBeforeCompiling = (schema: JsonObject): SchemaFault | undefined => {
  const length = canonicalText(schema).length
  if (length > SCHEMA_CHARS_MAX)
    return { path: '', message: `${length} characters of schema are too many; ${SCHEMA_CHARS_MAX} is the limit`, hint: undefined }
  const draft = Object.hasOwn(schema, '$schema') ? schema.$schema : undefined
  if (draft !== undefined && (typeof draft !== 'string' || !(DRAFT_7.test(draft) || DRAFT_2020.test(draft))))
    return { path: '/$schema', message: 'this dialect of JSON Schema is not known', hint: 'use draft 2020-12, or draft-07' }
  return unusableKey(schema, [])
}

/** Keys that the compiler would pass over, or that would make a check answer later instead of now. */
const unusableKey = (value: Json, segments: readonly (string | number)[]): SchemaFault | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, member] of Object.entries(value)) {
    const place = [...segments, key]
    if (key === '__proto__')
      return { path: jsonPointer(place), message: 'a schema cannot speak of a property named __proto__', hint: undefined }
    if (key === '$async' && member === true)
      return { path: jsonPointer(place), message: 'asynchronous schemas are not checked', hint: undefined }
    const fault = unusableKey(member, place)
    if (fault !== undefined) return fault
  }
  return undefined
}

const OPTIONS = { strict: false, allErrors: true, ownProperties: true, logger: false, addUsedSchema: false } as const

const isDraft7 = (schema: JsonObject): boolean => typeof schema.$schema === 'string' && DRAFT_7.test(schema.$schema)

/** Check schemas against their dialect. One for all: compiling a dialect takes ten times as long as compiling a usual schema. */
const GRAMMARS = { draft7: new Ajv(OPTIONS), draft2020: new Ajv2020(OPTIONS) } as const

const grammarOf = (schema: JsonObject): Ajv | Ajv2020 => (isDraft7(schema) ? GRAMMARS.draft7 : GRAMMARS.draft2020)

/** A compiler of its own for each schema: two schemas may claim the same `$id`, and what is dropped must be gone. */
const compilerFor = (schema: JsonObject): Ajv | Ajv2020 => {
  const options = { ...OPTIONS, validateSchema: false } as const
  const ajv = isDraft7(schema) ? new Ajv(options) : new Ajv2020(options)
  addFormatsModule.default(ajv)
  return ajv
}

const CODE_OF: ReadonlyMap<string, string> = new Map([
  ['required', 'MISSING_FIELD'],
  ['additionalProperties', 'UNKNOWN_FIELD'],
  ['unevaluatedProperties', 'UNKNOWN_FIELD'],
  ['type', 'WRONG_TYPE'],
])

const problemOf = (error: ErrorObject): InputProblem => {
  const member: unknown = error.params.missingProperty ?? error.params.additionalProperty ?? error.params.unevaluatedProperty
  return {
    code: CODE_OF.get(error.keyword) ?? 'SCHEMA_VIOLATED',
    path: typeof member === 'string' ? error.instancePath + jsonPointer([member]) : error.instancePath,
    message: messageOf(error),
  }
}

const messageOf = (error: ErrorObject): string => {
  const allowed: unknown = error.params.allowedValues
  const values = Array.isArray(allowed) ? `: ${JSON.stringify(allowed).slice(0, 200)}` : ''
  return `${error.message ?? error.keyword}${values}`
}
