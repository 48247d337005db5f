/**
 * Reads JSON text without making values of it: is it exactly one value, and one that every reader will understand alike.
 *
 * S1  What is accepted is accepted by `JSON.parse`; what `JSON.parse` refuses is refused.
 * S2  Refused beyond that: a key twice in one object, because readers disagree on which of the two counts; a number that a double does not
 *     hold (`json-number.ts`); more than `JSON_DEPTH_MAX` levels; a raw half of a surrogate pair, because UTF-8 cannot carry it.
 * S3  Everything else is kept as it is: escapes of NUL and of lone surrogates, emoji, keys such as `__proto__`.
 * S4  The path is built only when a fault is found, on the way out, so a clean text costs one pass and no allocation but its keys.
 */
import { trustedJson, type Json, type JsonText } from './json.js'
import { doubleHolds } from './json-number.js'
import { jsonPointer } from './json-pointer.js'

/** Levels of arrays and objects, the outermost included. */
export const JSON_DEPTH_MAX = 512

export type JsonFaultCode = 'JSON_SYNTAX' | 'JSON_TOO_DEEP' | 'JSON_NUMBER' | 'JSON_DUPLICATE_KEY' | 'JSON_SURROGATE'

/** The first thing that is wrong, by place in the text. */
export interface JsonFault {
  readonly type: 'fault'
  readonly code: JsonFaultCode
  /** JSON Pointer to the value being read. */
  readonly path: string
  /** Index of the character, from 0. */
  readonly offset: number
  /** One sentence for people. */
  readonly message: string
}

export type JsonScan = { readonly type: 'ok'; readonly json: JsonText } | JsonFault

/** Checks that the text is exactly one JSON value; `ok` gives the same text back, vouched for. */
export const scanJson = (text: string): JsonScan => {
  const scan: Scan = { text, at: 0, depth: 0, fault: undefined, inwards: [] }
  if (readValue(scan) && readEnd(scan)) return { type: 'ok', json: trustedJson(text) }
  const { code, offset, message } = scan.fault ?? { code: 'JSON_SYNTAX', offset: scan.at, message: 'this is no JSON value' }
  return { type: 'fault', code, path: jsonPointer(scan.inwards.toReversed()), offset, message }
}

/** The value that text spells. The wall's one cast: `JSON.parse` makes nothing but JSON. */
export const parseJson = (text: JsonText): Json => JSON.parse(text) as Json

interface Scan {
  readonly text: string
  at: number
  depth: number
  fault: { readonly code: JsonFaultCode; readonly offset: number; readonly message: string } | undefined
  /** Segments of the fault's path, innermost first. */
  readonly inwards: (string | number)[]
}

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
/** Up to so many keys an object's keys are compared one by one; above, a set is made. */
const KEYS_COMPARED_MAX = 12

const fail = (scan: Scan, code: JsonFaultCode, offset: number, message: string): false => {
  scan.fault = { code, offset, message }
  return false
}

const failSyntax = (scan: Scan, expected: string): false => {
  const found = scan.at >= scan.text.length ? 'the text ends' : `${JSON.stringify(scan.text.charAt(scan.at))} stands`
  return fail(scan, 'JSON_SYNTAX', scan.at, `${found} where ${expected} should be`)
}

const skipBlanks = (scan: Scan): number => {
  let code = scan.text.charCodeAt(scan.at)
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = scan.text.charCodeAt(++scan.at)
  return code
}

const readEnd = (scan: Scan): boolean => {
  skipBlanks(scan)
  return scan.at === scan.text.length || failSyntax(scan, 'the end of the text')
}

const readValue = (scan: Scan): boolean => {
  const code = skipBlanks(scan)
  if (code === QUOTE) return readString(scan)
  if (code === OPEN_BRACE) return readNested(scan, readObject)
  if (code === OPEN_BRACKET) return readNested(scan, readArray)
  if (code === MINUS || (code >= ZERO && code <= NINE)) return readNumber(scan)
  return readWord(scan, 'true') || readWord(scan, 'false') || readWord(scan, 'null') || failSyntax(scan, 'a value')
}

const readWord = (scan: Scan, word: string): boolean => {
  if (!scan.text.startsWith(word, scan.at)) return false
  scan.at += word.length
  return true
}

const readNested = (scan: Scan, read: (scan: Scan) => boolean): boolean => {
  if (scan.depth === JSON_DEPTH_MAX) return fail(scan, 'JSON_TOO_DEEP', scan.at, `more than ${JSON_DEPTH_MAX} levels of nesting`)
  scan.depth++
  scan.at++
  const whole = read(scan)
  scan.depth--
  return whole
}

const readArray = (scan: Scan): boolean => {
  if (skipBlanks(scan) === CLOSE_BRACKET) {
    scan.at++
    return true
  }
  for (let index = 0; ; index++) {
    if (!readValue(scan)) {
      scan.inwards.push(index)
      return false
    }
    const code = skipBlanks(scan)
    if (code !== COMMA && code !== CLOSE_BRACKET) return failSyntax(scan, 'a comma or ]')
    scan.at++
    if (code === CLOSE_BRACKET) return true
  }
}

const readObject = (scan: Scan): boolean => {
  if (skipBlanks(scan) === CLOSE_BRACE) {
    scan.at++
    return true
  }
  const keys: string[] = []
  let set: Set<string> | undefined
  for (;;) {
    if (skipBlanks(scan) !== QUOTE) return failSyntax(scan, 'a key in double quotes')
    const start = scan.at
    if (!readString(scan)) return false
    const key = keyBetween(scan.text, start, scan.at)
    if (set === undefined ? keys.includes(key) : set.has(key)) {
      scan.inwards.push(key)
      return fail(scan, 'JSON_DUPLICATE_KEY', start, `the key ${JSON.stringify(key)} stands twice in this object`)
    }
    if (set !== undefined) set.add(key)
    else if (keys.push(key) > KEYS_COMPARED_MAX) set = new Set(keys)
    if (!readMemberValue(scan)) {
      scan.inwards.push(key)
      return false
    }
    const code = skipBlanks(scan)
    if (code !== COMMA && code !== CLOSE_BRACE) return failSyntax(scan, 'a comma or }')
    scan.at++
    if (code === CLOSE_BRACE) return true
  }
}

const readMemberValue = (scan: Scan): boolean => {
  if (skipBlanks(scan) !== COLON) return failSyntax(scan, 'a colon')
  scan.at++
  return readValue(scan)
}

/** The key that a string literal spells; `start` is at its first quote, `end` behind its last. */
export const keyBetween = (text: string, start: number, end: number): string => {
  const raw = text.slice(start + 1, end - 1)
  if (!raw.includes('\\')) return raw
  const key: unknown = JSON.parse(text.slice(start, end))
  return typeof key === 'string' ? key : raw
}

const readString = (scan: Scan): boolean => {
  const { text } = scan
  let at = scan.at + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      scan.at = at + 1
      return true
    }
    if (code === BACKSLASH) {
      const length = escapeLength(text, at)
      if (length === 0) return fail(scan, 'JSON_SYNTAX', at, 'this escape does not exist in JSON')
      at += length
    } else if (code >= 0xd800 && code <= 0xdfff) {
      if (!isSurrogatePair(code, text.charCodeAt(at + 1)))
        return fail(
          scan,
          'JSON_SURROGATE',
          at,
          'half of a surrogate pair stands here, which is no character; write it as an escape',
        )
      at += 2
    } else if (code >= 0x20) at++
    else {
      scan.at = at
      return Number.isNaN(code)
        ? failSyntax(scan, 'the closing quote')
        : fail(scan, 'JSON_SYNTAX', at, 'a control character in a string must be written as an escape')
    }
  }
}

const isSurrogatePair = (high: number, low: number): boolean => high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff

const SIMPLE_ESCAPES = '"\\/bfnrt'
const UNICODE_ESCAPE_LENGTH = 6

/** How many characters the escape at a backslash takes; 0 when it is none. */
const escapeLength = (text: string, at: number): number => {
  if (at + 1 >= text.length) return 0
  if (SIMPLE_ESCAPES.includes(text.charAt(at + 1))) return 2
  if (text.charAt(at + 1) !== 'u') return 0
  for (let i = at + 2; i < at + UNICODE_ESCAPE_LENGTH; i++) if (!isHexDigit(text.charCodeAt(i))) return 0
  return UNICODE_ESCAPE_LENGTH
}

const isHexDigit = (code: number): boolean =>
  (code >= ZERO && code <= NINE) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46)

const readNumber = (scan: Scan): boolean => {
  const { text } = scan
  const start = scan.at
  if (text.charCodeAt(scan.at) === MINUS) scan.at++
  if (text.charCodeAt(scan.at) === ZERO) scan.at++
  else if (!readDigits(scan)) return false
  if (text.charCodeAt(scan.at) === POINT) {
    scan.at++
    if (!readDigits(scan)) return false
  }
  if ((text.charCodeAt(scan.at) | 0x20) === 0x65) {
    scan.at++
    const sign = text.charCodeAt(scan.at)
    if (sign === MINUS || sign === 0x2b) scan.at++
    if (!readDigits(scan)) return false
  }
  const literal = text.slice(start, scan.at)
  return (
    doubleHolds(literal) ||
    fail(scan, 'JSON_NUMBER', start, `the number ${shortened(literal)} changes when it is read as a double`)
  )
}

const readDigits = (scan: Scan): boolean => {
  const start = scan.at
  for (let code = scan.text.charCodeAt(start); code >= ZERO && code <= NINE; ) code = scan.text.charCodeAt(++scan.at)
  return scan.at > start || failSyntax(scan, 'a digit')
}

const LITERAL_SHOWN_MAX = 40

const shortened = (literal: string): string =>
  literal.length <= LITERAL_SHOWN_MAX ? literal : `${literal.slice(0, LITERAL_SHOWN_MAX)}…`
