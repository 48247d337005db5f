/** What differs between two documents, place by place, whatever their formatting and the order of keys and steps. */
import { canonicalText } from '../kernel/json-canonical.js'
import { pointerSegment } from '../kernel/json-pointer.js'
import type { Json } from '../kernel/json.js'
import { isArray, isObject, type JsonObject } from './fields.js'

export type DocumentChange =
  | { readonly type: 'added'; readonly path: string; readonly after: Json }
  | { readonly type: 'removed'; readonly path: string; readonly before: Json }
  | { readonly type: 'changed'; readonly path: string; readonly before: Json; readonly after: Json }

/** Changes listed at most. */
export const CHANGES_MAX = 1_000

/**
 * The changes from `before` to `after`, in the order of `before`, at most `CHANGES_MAX`. A path is a JSON Pointer, in which an element of a
 * list of named things, such as a step, stands by its name. A field that is null is not there (F1 of fields).
 */
export const compareDocuments = (before: Json, after: Json): readonly DocumentChange[] => {
  const changes: DocumentChange[] = []
  compare(before, after, '', changes)
  return changes
}

const compare = (before: Json, after: Json, path: string, changes: DocumentChange[]): void => {
  if (changes.length >= CHANGES_MAX) return
  const [from, to] = [membersOf(before), membersOf(after)]
  if (from !== undefined && to !== undefined && isArray(before) === isArray(after)) compareMembers(from, to, path, changes)
  else if (canonicalText(before) !== canonicalText(after)) changes.push({ type: 'changed', path, before, after })
}

const compareMembers = (
  before: ReadonlyMap<string, Json>,
  after: ReadonlyMap<string, Json>,
  path: string,
  changes: DocumentChange[],
): void => {
  const add = (change: DocumentChange): void => {
    if (changes.length < CHANGES_MAX) changes.push(change)
  }
  for (const [key, value] of before) {
    const place = path + pointerSegment(key)
    const other = after.get(key)
    if (other === undefined) add({ type: 'removed', path: place, before: value })
    else compare(value, other, place, changes)
  }
  for (const [key, value] of after) if (!before.has(key)) add({ type: 'added', path: path + pointerSegment(key), after: value })
}

/** The members of a map, or the elements of a list that are all known by different names. */
const membersOf = (value: Json): ReadonlyMap<string, Json> | undefined => {
  if (isObject(value)) return new Map(Object.entries(value).filter(([, member]) => member !== null))
  if (!isArray(value)) return undefined
  const named = new Map(value.flatMap((element) => (isNamed(element) ? [[element.name, element] as const] : [])))
  return named.size === value.length ? named : undefined
}

const isNamed = (value: Json): value is JsonObject & { readonly name: string } =>
  isObject(value) && typeof value.name === 'string'
