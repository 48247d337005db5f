/** Parts of the format that are read and checked, but that nothing runs yet: refused with their place, never silently ignored. */
import type { Json } from '../kernel/json.js'
import { isArray, isObject, type Reader } from './fields.js'
import { addProblem } from './problem.js'

/** Reads the value, and refuses it when it asks for something; `asks` says when, by default unless it is empty. */
export const later =
  <Value>(what: string, read: Reader<Value>, asks: (value: Json) => boolean = hasContent): Reader<Value> =>
  (value, path, findings) => {
    const result = read(value, path, findings)
    if (result !== null && asks(value))
      addProblem(findings, 'NOT_SUPPORTED_YET', path, `${what} cannot be run by this version`, HINT)
    return result
  }

const HINT = { hint: 'remove it, or wait for a version that runs it' }

const hasContent = (value: Json): boolean => {
  if (isArray(value)) return value.length > 0
  return !isObject(value) || Object.keys(value).length > 0
}
