/** Cuts the members and elements out of JSON text byte for byte, so that payloads pass through unread and unchanged. */
import { invariant } from './invariant.js'
import { trustedJson, type JsonText } from './json.js'
import { keyBetween } from './json-scan.js'

/** The raw text of each top-level member of an object. Of a key that stands twice the last counts, as in `JSON.parse`. */
export const sliceMembers = (text: JsonText): ReadonlyMap<string, JsonText> => {
  const members = new Map<string, JsonText>()
  eachMember(text, (key, value) => {
    members.set(key, value)
  })
  return members
}

/** Visits each top-level member of an object with its raw text, in the order written. */
export const eachMember = (text: JsonText, visit: (key: string, value: JsonText) => void): void => {
  let at = skipBlanks(text, 0)
  invariant(text.charCodeAt(at) === 0x7b, 'members are cut out of an object')
  at = skipBlanks(text, at + 1)
  while (text.charCodeAt(at) !== 0x7d) {
    const keyEnd = valueEnd(text, at)
    const key = keyBetween(text, at, keyEnd)
    const start = skipBlanks(text, skipBlanks(text, keyEnd) + 1)
    const end = valueEnd(text, start)
    visit(key, trustedJson(text.slice(start, end)))
    at = nextItem(text, end)
  }
}

/** The raw text of each element of an array. */
export const sliceElements = (text: JsonText): readonly JsonText[] => {
  const elements: JsonText[] = []
  let at = skipBlanks(text, 0)
  invariant(text.charCodeAt(at) === 0x5b, 'elements are cut out of an array')
  at = skipBlanks(text, at + 1)
  while (text.charCodeAt(at) !== 0x5d) {
    const end = valueEnd(text, at)
    elements.push(trustedJson(text.slice(at, end)))
    at = nextItem(text, end)
  }
  return elements
}

/** Past the comma to the next item, or at the closing bracket. */
const nextItem = (text: string, at: number): number => {
  const next = skipBlanks(text, at)
  return text.charCodeAt(next) === 0x2c ? skipBlanks(text, next + 1) : next
}

const skipBlanks = (text: string, from: number): number => {
  let at = from
  let code = text.charCodeAt(at)
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at)
  return at
}

/** Where the value that begins at `start` is over. Always moves on, and stops the caller on text that is no JSON. */
const valueEnd = (text: string, start: number): number => {
  const first = text.charCodeAt(start)
  if (first === 0x22) return stringEnd(text, start)
  if (first === 0x7b || first === 0x5b) return containerEnd(text, start)
  let at = start
  while (isScalar(text.charCodeAt(at))) at++
  invariant(at > start, 'only valid JSON is cut')
  return at
}

/** A character of a number or of a word; the text's end is none. */
const isScalar = (code: number): boolean => code > 0x20 && code !== 0x2c && code !== 0x5d && code !== 0x7d && code !== 0x3a

const containerEnd = (text: string, start: number): number => {
  let depth = 0
  let at = start
  do {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      at = stringEnd(text, at)
      continue
    }
    invariant(!Number.isNaN(code), 'only valid JSON is cut')
    if (code === 0x7b || code === 0x5b) depth++
    else if (code === 0x7d || code === 0x5d) depth--
    at++
  } while (depth > 0)
  return at
}

/** Behind the closing quote: the first quote with an even number of backslashes before it. */
const stringEnd = (text: string, start: number): number => {
  let quote = text.indexOf('"', start + 1)
  while (quote !== -1) {
    let before = quote - 1
    while (text.charCodeAt(before) === 0x5c) before--
    if ((quote - before) % 2 === 1) return quote + 1
    quote = text.indexOf('"', quote + 1)
  }
  invariant(false, 'only valid JSON is cut')
}
