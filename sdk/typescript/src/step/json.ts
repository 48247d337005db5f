/** Values on their way to JSON: what JSON would drop or change in silence is refused with its place. */
import { PermanentError } from '../errors/handler-errors.js'
import { LIMITS } from '../limits.js'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** A type after its way through JSON: dates are texts, functions are gone, `undefined` at the top is null. */
export type Jsonified<T> = [JsonValue] extends [T] ? T : JsonifiedEach<T>

// Where any JSON is possible there is nothing to follow, and following it would not end.
type JsonifiedEach<T> = T extends undefined
  ? null
  : T extends null | boolean | number | string
    ? T
    : T extends { toJSON(): infer Shown }
      ? Jsonified<Shown>
      : T extends bigint | symbol | ((...args: never[]) => unknown)
        ? never
        : T extends readonly unknown[]
          ? { [Index in keyof T]: Jsonified<T[Index]> }
          : T extends object
            ? { [Key in keyof T as Key extends string ? Key : never]: JsonField<T[Key]> }
            : T

// A field that may be undefined stays so: JSON leaves it out.
type JsonField<T> = undefined extends T ? Jsonified<Exclude<T, undefined>> | undefined : Jsonified<T>

export interface Unserializable {
  /** JSON Pointer to the value that cannot be written. */
  readonly path: string
  /** What is there, such as `a function`. */
  readonly what: string
}

export type Serialized =
  | { readonly type: 'json'; readonly data: Buffer }
  | { readonly type: 'unserializable'; readonly problem: Unserializable }

/** What became of a value on its way to JSON text. */
export type Written =
  | { readonly type: 'json'; readonly text: string }
  | { readonly type: 'unserializable'; readonly problem: Unserializable }

const NULL = Buffer.from('null')

/** The value as JSON bytes; `undefined` becomes null. */
export const serialize = (value: unknown): Serialized => {
  if (value === undefined || value === null) return { type: 'json', data: NULL }
  const written = jsonOf(value)
  return written.type === 'json' ? { type: 'json', data: Buffer.from(written.text) } : written
}

/** The value as JSON text; `undefined` becomes null. */
export const jsonOf = (value: unknown): Written => {
  try {
    const problem = problemIn(value, 0, [])
    if (problem !== undefined) return { type: 'unserializable', problem }
    return { type: 'json', text: jsonText(value) }
  } catch (thrown) {
    const what = thrown instanceof Error ? thrown.message : 'a value that JSON refuses'
    return { type: 'unserializable', problem: { path: '', what } }
  }
}

// A `toJSON` may give undefined, and then `stringify` gives no text though its type says so.
const jsonText = (value: unknown): string => {
  const text: unknown = JSON.stringify(value)
  return typeof text === 'string' ? text : 'null'
}

// `above` holds the objects from the top down to this one, so that a cycle is told from a shared value.
const problemIn = (value: unknown, depth: number, above: object[]): Unserializable | undefined => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : { path: '', what: `the number ${value}` }
    case 'bigint':
      return { path: '', what: 'a BigInt' }
    case 'function':
      return { path: '', what: 'a function' }
    case 'symbol':
      return { path: '', what: 'a symbol' }
    case 'object':
      return value === null ? undefined : problemInObject(value, depth, above)
  }
}

const problemInObject = (value: object, depth: number, above: object[]): Unserializable | undefined => {
  if (depth >= LIMITS.jsonDepthMax) return { path: '', what: `nesting below ${LIMITS.jsonDepthMax} levels` }
  if (above.includes(value)) return { path: '', what: 'a reference to a value that contains it (a cycle)' }
  if ('toJSON' in value && typeof value.toJSON === 'function') return undefined
  if (value instanceof Map || value instanceof Set) return { path: '', what: 'a Map or Set' }
  above.push(value)
  const problem = Array.isArray(value) ? problemInItems(value, depth, above) : problemInFields(value, depth, above)
  above.pop()
  return problem
}

const problemInItems = (items: readonly unknown[], depth: number, above: object[]): Unserializable | undefined => {
  for (let index = 0; index < items.length; index++) {
    const problem = problemIn(items[index], depth + 1, above)
    if (problem !== undefined) return { path: `/${index}${problem.path}`, what: problem.what }
  }
  return undefined
}

const problemInFields = (value: object, depth: number, above: object[]): Unserializable | undefined => {
  for (const [key, field] of Object.entries(value)) {
    const problem = problemIn(field, depth + 1, above)
    if (problem !== undefined) return { path: `/${pointerToken(key)}${problem.path}`, what: problem.what }
  }
  return undefined
}

/** One key as a token of a JSON Pointer. */
export const pointerToken = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

/** A whole number from 0 up, as the wire takes it; throws for anything else. */
export const countOf = (value: number, what: string): number => {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new PermanentError(`${what} is a whole number from 0 up, not ${value}`, { code: 'INVALID_COUNT' })
}
