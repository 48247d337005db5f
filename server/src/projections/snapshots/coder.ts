/**
 * Coders between values of the program and JSON, made of each other. The compiler asks for a coder of every member of a record, so a member that
 * is added is not forgotten. This is the wall of what was stored by this program's own shape; each reader says what it does not take.
 */
import type { Json } from '@tasker/core'

export interface Coder<Value> {
  /** Says what the text looks like: another shape is another schema. */
  readonly shape: string
  /** What reading gives for a member that is not there. */
  readonly missing?: 'undefined' | 'absent'
  readonly write: (value: Value) => Json
  readonly read: (json: unknown) => Value
}

type Union = Readonly<Record<string, unknown>>

/** The members of a record: each has its coder, those that may be absent an `optional` one. */
type Members<Value> = { readonly [Name in keyof Value]-?: Coder<Value[Name]> }

export const text = <Text extends string = string>(): Coder<Text> => ({
  shape: 'text',
  write: (value) => value,
  read: (json) => (typeof json === 'string' ? (json as Text) : wrong('a text', json)),
})

export const number = <Value extends number = number>(): Coder<Value> => ({
  shape: 'number',
  write: (value) => value,
  read: (json) => (typeof json === 'number' ? (json as Value) : wrong('a number', json)),
})

export const flag: Coder<boolean> = {
  shape: 'flag',
  write: (value) => value,
  read: (json) => (typeof json === 'boolean' ? json : wrong('a flag', json)),
}

/** A word that is always the same. */
export const word = <Word extends string>(only: Word): Coder<Word> => ({
  shape: only,
  write: (value) => value,
  read: (json) => (json === only ? only : wrong(only, json)),
})

/** A member that is always there, and may be undefined. */
export const orUndefined = <Value>(coder: Coder<Value>): Coder<Value | undefined> => ({
  shape: `${coder.shape}?`,
  missing: 'undefined',
  write: (value) => (value === undefined ? null : coder.write(value)),
  read: coder.read,
})

/** A member that may be absent. */
export const optional = <Value>(coder: Coder<Value>): Coder<Value | undefined> => ({ ...orUndefined(coder), missing: 'absent' })

export const list = <Item>(item: Coder<Item>): Coder<readonly Item[]> => ({
  shape: `[${item.shape}]`,
  write: (values) => values.map(item.write),
  read: (json) => elements(json).map(item.read),
})

/** A map, in the order of its entries. */
export const mapBy = <Key, Value>(key: Coder<Key>, value: Coder<Value>): Coder<ReadonlyMap<Key, Value>> => {
  const entries = list(record<{ readonly key: Key; readonly value: Value }>('entry', { key, value }))
  return {
    shape: `map${entries.shape}`,
    write: (map) => entries.write([...map].map(([name, entry]) => ({ key: name, value: entry }))),
    read: (json) => new Map(entries.read(json).map((entry) => [entry.key, entry.value])),
  }
}

export const mapOf = <Value>(value: Coder<Value>): Coder<ReadonlyMap<number, Value>> => mapBy(number(), value)

/** An object whose names are data. */
export const dictionary = <Value>(value: Coder<Value>): Coder<{ readonly [name: string]: Value }> => ({
  shape: `{${value.shape}}`,
  write: (values) => Object.fromEntries(Object.entries(values).map(([name, entry]) => [name, value.write(entry)])),
  read: (json) => Object.fromEntries(Object.entries(members(json)).map(([name, entry]) => [name, value.read(entry)])),
})

export function record<Value extends object>(name: string, coders: Members<Value>): Coder<Value> {
  const fields: readonly (readonly [string, Coder<unknown>])[] = Object.entries(coders)
  return {
    shape: `${name}(${fields.map(([field, { shape, missing }]) => `${field}:${shape}${missing ?? ''}`).join(',')})`,
    write: (value) => {
      const written: Record<string, Json> = {}
      for (const [field, coder] of fields) {
        const member: unknown = (value as Union)[field]
        if (member !== undefined) written[field] = coder.write(member)
      }
      return written
    },
    read: (json) => {
      const stored = members(json)
      const value: Record<string, unknown> = {}
      for (const [field, coder] of fields) {
        const member = stored[field]
        if (member !== undefined) value[field] = coder.read(member)
        else if (coder.missing === 'undefined') value[field] = undefined
        else if (coder.missing === undefined) wrong(`a member ${field} of ${name}`, json)
      }
      return value as Value
    },
  }
}

/** One of several records, told apart by a word in one of their members. */
export const variants = <Value extends object, Tag extends keyof Value & string>(
  tag: Tag,
  coders: { readonly [Name in Value[Tag] & string]: Coder<Extract<Value, { readonly [Key in Tag]: Name }>> },
): Coder<Value> => {
  const byName = new Map<unknown, Coder<Value>>(
    Object.entries<unknown>(coders).map(([name, coder]) => [name, coder as Coder<Value>]),
  )
  const coderOf = (name: unknown): Coder<Value> => byName.get(name) ?? wrong(`a known ${tag}`, name)
  return {
    shape: [...byName.values()].map(({ shape }) => shape).join('|'),
    write: (value) => coderOf(value[tag]).write(value),
    read: (json) => coderOf(members(json)[tag]).read(json),
  }
}

const members = (json: unknown): Union =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Union) : wrong('an object', json)

const elements = (json: unknown): readonly unknown[] => (Array.isArray(json) ? json : wrong('a list', json))

const wrong = (what: string, json: unknown): never => {
  throw new Error(`${what} is expected, not ${JSON.stringify(json ?? null).slice(0, 100)}`)
}
