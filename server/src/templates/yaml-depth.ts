/** How deep YAML text nests, found before the parser has to bear it. */
import { CST, Lexer } from 'yaml'
import type { TextPlace } from './yaml-places.js'

/** A value's levels; deeper documents are a mistake or an attack. */
export const YAML_DEPTH_MAX = 128

/**
 * The parser needs a second for each fifty thousand levels of a hostile text, so brackets and dashes are counted before it sees them. Levels
 * made by indentation cost their writer a blank each, and are counted when values are made.
 */
export const depthFault = (text: string): TextPlace | undefined => {
  let depth = 0
  let dashes = 0
  let offset = 0
  let inScalar = false
  for (const token of new Lexer().lex(text)) {
    const kind: CST.Token['type'] | null = inScalar ? null : CST.tokenType(token)
    inScalar = kind === 'scalar'
    if (kind === 'flow-seq-start' || kind === 'flow-map-start') depth++
    else if (kind === 'flow-seq-end' || kind === 'flow-map-end') depth--
    else if (kind === 'seq-item-ind' || kind === 'explicit-key-ind') dashes++
    else if (kind === 'newline') dashes = 0
    if (depth > YAML_DEPTH_MAX || dashes > YAML_DEPTH_MAX) return placeAt(text, offset)
    if (kind === null || !MARKS.has(kind)) offset += token.length
  }
  return undefined
}

const placeAt = (text: string, offset: number): TextPlace => {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}

export const TOO_DEEP = `more than ${YAML_DEPTH_MAX} levels of nesting`

/** Tokens that the lexer adds to the text. */
const MARKS: ReadonlySet<string> = new Set(['doc-mode', 'flow-error-end', 'scalar'])
