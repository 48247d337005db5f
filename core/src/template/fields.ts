/**
 * Readers of a document's values. Each gives the value, or nothing after it has noted why not, so that one pass finds every problem.
 *
 * F1  A field that is absent and a field that is null are the same: not given.
 * F2  A reader notes a problem for everything that is not as it should be, answers null, and lets the others read on.
 * F3  A reader never looks at an inherited property: a document may have keys such as `__proto__`.
 */
import type { Json } from '../kernel/json.js'
import { pointerSegment } from '../kernel/json-pointer.js'
import { didYouMean, shown } from './nearest.js'
import { addProblem, addWarning, type Findings } from './problem.js'

export type JsonObject = { readonly [key: string]: Json }

export type Reader<Value> = (value: Json, path: string, findings: Findings) => Value | null

export interface Field<Value> {
  readonly read: Reader<Value>
  readonly required?: true
  /** Other names that are read as this one. */
  readonly aliases?: readonly string[]
  /** Names of older formats that are read as this one, with a warning. */
  readonly legacy?: readonly string[]
}

type Values<Fields> = { readonly [Name in keyof Fields]?: Fields[Name] extends Field<infer Value> ? Value : never }

type Shape = { readonly [name: string]: Field<unknown> }

export const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export const text =
  (charsMax: number = Number.POSITIVE_INFINITY): Reader<string> =>
  (value, path, findings) => {
    if (typeof value !== 'string')
      return wrongType(findings, path, value, 'a text', isNumber(value) ? 'put it in quotes' : undefined)
    if (value.length <= charsMax) return value
    return outOfRange(findings, path, `${value.length} characters are too many; ${charsMax} is the limit`)
  }

/** Half a surrogate pair: UTF-8 cannot carry it, so a name with one would come back altered. */
const HALF_PAIR = /^[\ud800-\udfff]$/

/** A name: not empty, not blank at its ends, without control characters, halves of surrogate pairs and those in `banned`. */
export const nameText =
  (charsMax: number, banned = ''): Reader<string> =>
  (value, path, findings) => {
    const name = text(charsMax)(value, path, findings)
    if (name === null) return null
    if (name.trim() === '') return outOfRange(findings, path, 'a name must not be empty')
    if (name.trim() !== name) return outOfRange(findings, path, `the name ${shown(name)} begins or ends with a blank`)
    const bad = Array.from(name).find(
      (character) => character < ' ' || character === '\u007f' || HALF_PAIR.test(character) || banned.includes(character),
    )
    return bad === undefined ? name : outOfRange(findings, path, `the name ${shown(name)} must not hold ${shown(bad)}`)
  }

export const boolean: Reader<boolean> = (value, path, findings) =>
  typeof value === 'boolean' ? value : wrongType(findings, path, value, 'true or false')

export interface NumberBounds {
  readonly min: number
  readonly max: number
  readonly whole: boolean
}

export const number =
  (bounds: NumberBounds): Reader<number> =>
  (value, path, findings) => {
    const kind = bounds.whole ? 'a whole number' : 'a number'
    if (!isNumber(value)) return wrongType(findings, path, value, kind)
    if (bounds.whole && !Number.isInteger(value)) return wrongType(findings, path, value, kind)
    if (value >= bounds.min && value <= bounds.max) return value
    return outOfRange(findings, path, `${value} is outside ${bounds.min} to ${bounds.max}`)
  }

/** One of a list of words. */
export const oneOf =
  <const Word extends string>(...words: readonly Word[]): Reader<Word> =>
  (value, path, findings) => {
    const word = words.find((candidate) => candidate === value)
    if (word !== undefined) return word
    if (typeof value !== 'string') return wrongType(findings, path, value, `one of ${words.join(', ')}`)
    const prefix = words.find((candidate) => value.length > 2 && candidate.startsWith(value))
    const hint = prefix === undefined ? didYouMean(findings, value, words) : `did you mean ${shown(prefix)}?`
    return outOfRange(findings, path, `${shown(value)} is none of ${words.join(', ')}`, hint)
  }

/** A map with keys of its user's choice, kept as it is. */
export const openMap: Reader<JsonObject> = (value, path, findings) =>
  isObject(value) ? value : wrongType(findings, path, value, 'a map')

/** The elements that could be read; those that could not have noted why. */
export const listOf =
  <Value>(read: Reader<Value>): Reader<readonly Value[]> =>
  (value, path, findings) => {
    if (!isArray(value)) return wrongType(findings, path, value, 'a list')
    return value.flatMap((element, index) => {
      const item =
        element === null
          ? wrongType(findings, `${path}/${index}`, element, 'a value')
          : read(element, `${path}/${index}`, findings)
      return item === null ? [] : [item]
    })
  }

/** A map with keys of its user's choice, of which each member is read the same way. */
export const memberMap =
  <Value>(read: Reader<Value>): Reader<ReadonlyMap<string, Value>> =>
  (value, path, findings) => {
    if (!isObject(value)) return wrongType(findings, path, value, 'a map')
    const members = new Map<string, Value>()
    for (const [key, member] of Object.entries(value)) {
      const item = member === null ? null : read(member, path + pointerSegment(key), findings)
      if (item !== null) members.set(key, item)
    }
    return members
  }

/** A map with the given fields and no others; `ignored` names are let pass with a warning. */
export const objectOf = <const Fields extends Shape>(fields: Fields, ignored: readonly string[] = []): Reader<Values<Fields>> => {
  const named = namesOf(fields)
  const required = Object.entries<Field<unknown>>(fields).flatMap(([name, field]) => (field.required === true ? [name] : []))
  return (value, path, findings) => {
    if (!isObject(value)) return wrongType(findings, path, value, 'a map')
    const values = new Map<string, unknown>()
    const givenAs = new Map<string, string>()
    for (const [key, member] of Object.entries(value)) {
      const name = named.get(key)
      if (name === undefined) noteUnknown(findings, path, key, ignored, named)
      else if (member !== null && isFirst(findings, path, key, name.field, givenAs)) {
        if (name.legacy) warnLegacy(findings, path + pointerSegment(key), key, name.field)
        const read = fields[name.field]?.read(member, path + pointerSegment(key), findings) ?? null
        if (read !== null) values.set(name.field, read)
      }
    }
    noteMissing(findings, path, required, givenAs)
    return valuesOf(values)
  }
}

interface NameOfField {
  readonly field: string
  readonly legacy: boolean
}

const namesOf = (fields: Shape): ReadonlyMap<string, NameOfField> => {
  const names = new Map<string, NameOfField>()
  for (const [field, { aliases = [], legacy = [] }] of Object.entries(fields)) {
    for (const name of [field, ...aliases]) names.set(name, { field, legacy: false })
    for (const name of legacy) names.set(name, { field, legacy: true })
  }
  return names
}

/** The wall's one cast: the map was filled field by field by the readers whose types `Fields` names. */
const valuesOf = <Fields>(values: ReadonlyMap<string, unknown>): Values<Fields> => Object.fromEntries(values) as Values<Fields>

const isFirst = (findings: Findings, path: string, key: string, field: string, givenAs: Map<string, string>): boolean => {
  const earlier = givenAs.get(field)
  givenAs.set(field, key)
  if (earlier === undefined) return true
  const message = `${shown(key)} and ${shown(earlier)} are two names of one field`
  addProblem(findings, 'CONFLICTING_FIELDS', path + pointerSegment(key), message, {
    onKey: true,
    hint: `keep ${shown(field)} alone`,
  })
  return false
}

const noteUnknown = (
  findings: Findings,
  path: string,
  key: string,
  ignored: readonly string[],
  named: ReadonlyMap<string, NameOfField>,
): void => {
  const place = path + pointerSegment(key)
  if (ignored.includes(key)) {
    addWarning(findings, 'LEGACY_FIELD', place, `${shown(key)} means nothing and is ignored`, { onKey: true, hint: 'remove it' })
    return
  }
  const hint = didYouMean(findings, key, named.keys())
  addProblem(findings, 'UNKNOWN_FIELD', place, `there is no field ${shown(key)} here`, { onKey: true, hint })
}

const warnLegacy = (findings: Findings, path: string, key: string, field: string): void => {
  addWarning(findings, 'LEGACY_FIELD', path, `${shown(key)} is read as ${shown(field)}`, {
    onKey: true,
    hint: `write ${shown(field)}`,
  })
}

const noteMissing = (
  findings: Findings,
  path: string,
  required: readonly string[],
  givenAs: ReadonlyMap<string, string>,
): void => {
  for (const name of required)
    if (!givenAs.has(name)) addProblem(findings, 'MISSING_FIELD', path, `the field ${shown(name)} is missing`)
}

export const wrongType = (findings: Findings, path: string, value: Json, expected: string, hint?: string): null => {
  addProblem(findings, 'WRONG_TYPE', path, `${kindOf(value)} stands where ${expected} should be`, { hint })
  return null
}

export const outOfRange = (findings: Findings, path: string, message: string, hint?: string): null => {
  addProblem(findings, 'OUT_OF_RANGE', path, message, { hint })
  return null
}

const isNumber = (value: Json): value is number => typeof value === 'number'

export const isArray = (value: Json): value is readonly Json[] => Array.isArray(value)

const kindOf = (value: Json): string => {
  if (value === null) return 'nothing'
  if (isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string') return `the text ${shown(value)}`
  return isNumber(value) ? `the number ${value}` : String(value)
}
