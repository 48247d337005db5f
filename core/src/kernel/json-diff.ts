/** What differs between two JSON values, place by place. */
import { pointerSegment } from './json-pointer.js'
import type { Json } from './json.js'

export interface JsonChange {
  /** JSON Pointer; empty for the whole value. */
  readonly path: string
  /** Undefined where only the other value has the place. */
  readonly before: Json | undefined
  readonly after: Json | undefined
}

export interface JsonChanges {
  readonly changes: readonly JsonChange[]
  /** There are more changes than are listed. */
  readonly cut: boolean
}

/** At most `changesMax`, in the order of `before`; elements of lists are compared by their index. */
export const jsonChanges = (before: Json, after: Json, changesMax: number): JsonChanges => {
  const found: JsonChange[] = []
  compare(before, after, '', found, changesMax + 1)
  return { changes: found.slice(0, changesMax), cut: found.length > changesMax }
}

const compare = (before: Json | undefined, after: Json | undefined, path: string, found: JsonChange[], max: number): void => {
  if (found.length >= max || before === after) return
  if (isList(before) && isList(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      if (found.length >= max) return
      compare(before[index], after[index], path + pointerSegment(index), found, max)
    }
  } else if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (found.length >= max) return
      compare(memberOf(before, key), memberOf(after, key), path + pointerSegment(key), found, max)
    }
  } else found.push({ path, before, after })
}

type JsonMap = { readonly [key: string]: Json }

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

const isMap = (value: Json | undefined): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value)

const memberOf = (map: JsonMap, key: string): Json | undefined => (Object.hasOwn(map, key) ? map[key] : undefined)
