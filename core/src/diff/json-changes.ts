/** What differs between two JSON values, place by place. */
import { canonicalText } from '../kernel/json-canonical.js'
import { pointerSegment } from '../kernel/json-pointer.js'
import type { Json } from '../kernel/json.js'
import { LIMITS } from '../limits.js'

export interface JsonChange {
  /** A JSON Pointer; the empty text is the value itself. */
  readonly path: string
  /** As JSON text, cut after `LIMITS.diffValueCharsMax` characters; undefined where nothing is there. */
  readonly a: string | undefined
  readonly b: string | undefined
}

/** In the order of `a`, at most `max`; `undefined` is no value at all. */
export const jsonChanges = (a: Json | undefined, b: Json | undefined, max: number): readonly JsonChange[] => {
  const changes: JsonChange[] = []
  collect(a, b, '', changes, max)
  return changes
}

const collect = (a: Json | undefined, b: Json | undefined, path: string, changes: JsonChange[], max: number): void => {
  if (changes.length >= max) return
  const [left, right] = [membersOf(a), membersOf(b)]
  if (left === undefined || right === undefined || Array.isArray(a) !== Array.isArray(b)) {
    const [from, to] = [textOf(a), textOf(b)]
    if (from !== to) changes.push({ path, a: cut(from), b: cut(to) })
    return
  }
  for (const [key, value] of left) collect(value, right.get(key), path + pointerSegment(key), changes, max)
  for (const [key, value] of right) if (!left.has(key)) collect(undefined, value, path + pointerSegment(key), changes, max)
}

/** Undefined for what has no members. */
const membersOf = (value: Json | undefined): ReadonlyMap<string, Json> | undefined =>
  value === null || typeof value !== 'object' ? undefined : new Map(Object.entries(value))

const textOf = (value: Json | undefined): string | undefined => (value === undefined ? undefined : canonicalText(value))

const cut = (text: string | undefined): string | undefined =>
  text !== undefined && text.length > LIMITS.diffValueCharsMax ? `${text.slice(0, LIMITS.diffValueCharsMax)}…` : text
