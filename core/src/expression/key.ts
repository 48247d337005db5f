/**
 * Keys: texts in which each `${…}` is an expression, such as `tenant-${context.tenant}`.
 *
 * K1  The value of each part is a text, a number, or true or false; a key is never made of a list, a map or null.
 * K2  `$${` stands for the two characters `${`.
 */
import { LIMITS } from '../limits.js'
import { readExpression, evaluateExpression, type Expression, type Roots } from './expression.js'
import type { ExpressionFault } from './check.js'

export interface KeyTemplate {
  readonly text: string
  readonly parts: readonly (string | Expression)[]
}

export type KeyReading =
  | { readonly type: 'key'; readonly key: KeyTemplate }
  /** Offsets count in the whole text. */
  | { readonly type: 'faulty'; readonly faults: readonly ExpressionFault[] }

export type KeyEvaluation = { readonly type: 'key'; readonly key: string } | { readonly type: 'failed'; readonly message: string }

export const readKey = (text: string): KeyReading => {
  const parts: (string | Expression)[] = []
  const faults: ExpressionFault[] = []
  let at = 0
  while (at < text.length) {
    const open = text.indexOf('${', at)
    if (open === -1) break
    const escaped = open > at && text.charAt(open - 1) === '$'
    parts.push(text.slice(at, escaped ? open - 1 : open))
    const end = escaped ? open + 2 : expressionEnd(text, open + 2)
    if (escaped) parts.push('${')
    else if (end === -1)
      return { type: 'faulty', faults: [...faults, { message: 'the closing } of ${ is missing', offset: open }] }
    else addExpression(text.slice(open + 2, end - 1), open + 2, parts, faults)
    at = end
  }
  parts.push(text.slice(at))
  return faults.length > 0
    ? { type: 'faulty', faults }
    : { type: 'key', key: { text, parts: parts.filter((part) => part !== '') } }
}

const addExpression = (text: string, offset: number, parts: (string | Expression)[], faults: ExpressionFault[]): void => {
  const reading = readExpression(text)
  if (reading.type === 'expression') parts.push(reading.expression)
  else faults.push(...reading.faults.map((fault) => ({ message: fault.message, offset: fault.offset + offset })))
}

/** Behind the brace that closes the expression; braces in texts and those of maps do not count. */
const expressionEnd = (text: string, start: number): number => {
  let depth = 1
  let quote = ''
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at)
    if (quote !== '') {
      if (character === '\\') at++
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if (character === '{') depth++
    else if (character === '}' && --depth === 0) return at + 1
  }
  return -1
}

export const evaluateKey = (key: KeyTemplate, roots: Roots): KeyEvaluation => {
  let made = ''
  for (const part of key.parts) {
    if (typeof part === 'string') {
      made += part
      continue
    }
    const result = evaluateExpression(part, roots)
    if (result.type === 'failed') return { type: 'failed', message: `\${${part.text}}: ${result.message}` }
    if (result.value === null || typeof result.value === 'object') {
      return { type: 'failed', message: `\${${part.text}} is neither a text nor a number` }
    }
    made += String(result.value)
  }
  if (made === '' || made.length > LIMITS.keyCharsMax) {
    return { type: 'failed', message: `the key has ${made.length} characters; 1 to ${LIMITS.keyCharsMax} are allowed` }
  }
  return { type: 'key', key: made }
}
