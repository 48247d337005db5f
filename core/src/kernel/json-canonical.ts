/** One text a JSON value: what is the same content has the same text, however it was written. */
import type { Json } from './json.js'

/** Keys in ascending order of UTF-16 code units, no blanks, numbers and strings as `JSON.stringify` writes them (RFC 8785). */
export const canonicalText = (value: Json): string => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonicalText).join(',')}]`
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalText(member)}`).join(',')}}`
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
