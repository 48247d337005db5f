/** From bytes to text and to JSON, without ever altering a character: what cannot be kept is refused with its path. */
import { isUtf8 } from 'node:buffer'
import { type JsonFault, type JsonText, scanJson } from '@tasker/core'
import { Fault } from '../../faults.js'
import type { BodyRules } from './rules.js'

const BYTE_ORDER_MARK = '\ufeff'
const REPLACEMENT = '\ufffd'
/** Half a pair, which no UTF-8 spells: it marks the first bad place for the scanner. */
const BAD_PLACE = '\ud800'

/** Throws `INVALID_UTF8`, for JSON with the path of the value that holds the bad bytes. */
export const decodeText = (bytes: Buffer, form: BodyRules['form']): string => {
  const text = bytes.toString('utf8')
  if (isUtf8(bytes)) return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  const at = firstBadCharacter(bytes, text)
  const found = form !== 'document' ? scanJson(text.slice(0, at) + BAD_PLACE + text.slice(at + 1)) : undefined
  if (found?.type === 'fault' && found.offset < at) throw jsonFault(found)
  throw invalidUtf8(found?.type === 'fault' ? found.path : '', Buffer.byteLength(text.slice(0, at)))
}

/** The text as exactly one JSON value; throws `JSON_SYNTAX` for what is none and the scanner's other codes for what cannot be kept. */
export const scannedJson = (text: string): JsonText => {
  const scan = scanJson(text)
  if (scan.type === 'fault') throw jsonFault(scan)
  return scan.json
}

/** The first replacement character that was not sent as one. */
const firstBadCharacter = (bytes: Buffer, text: string): number => {
  let byteAt = 0
  let from = 0
  let at = text.indexOf(REPLACEMENT)
  while (at !== -1) {
    byteAt += Buffer.byteLength(text.slice(from, at))
    const sent = bytes[byteAt] === 0xef && bytes[byteAt + 1] === 0xbf && bytes[byteAt + 2] === 0xbd
    if (!sent) return at
    from = at
    at = text.indexOf(REPLACEMENT, at + 1)
  }
  return text.length
}

const invalidUtf8 = (path: string, byteAt: number): Fault => {
  const message = `The bytes from byte ${byteAt} on are no UTF-8.`
  return new Fault({ code: 'INVALID_INPUT', reason: 'INVALID_UTF8', message, errors: [{ code: 'INVALID_UTF8', message, path }] })
}

const jsonFault = ({ code, path, offset, message }: JsonFault): Fault =>
  new Fault({
    code: 'INVALID_INPUT',
    reason: code,
    message: `At character ${offset + 1} of the body: ${message}.`,
    errors: [{ code, message, path }],
  })
