/** The wall for users' values: bytes become JSON text only when they are exactly one JSON value in UTF-8, kept as sent. */
import { scanJson, type JsonText } from '@tasker/core'
import type { Payload } from '@tasker/proto'
import type { InputProblem } from '../faults.js'

const JSON_ENCODING = 'json/plain'

export type ReadPayload =
  | { readonly type: 'json'; readonly text: JsonText }
  | { readonly type: 'encoding'; readonly message: string }
  | { readonly type: 'too_large'; readonly message: string }
  | { readonly type: 'not_json'; readonly problem: InputProblem }

// `fatal` refuses invalid UTF-8 instead of repairing it; `ignoreBOM` keeps a byte order mark, which JSON then refuses.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads a payload of at most `bytesMax` bytes; `what` names it in messages. */
export const readPayload = (payload: Payload, bytesMax: number, what: string): ReadPayload => {
  if (payload.encoding !== '' && payload.encoding !== JSON_ENCODING)
    return {
      type: 'encoding',
      message: `${what} has the encoding ${shown(payload.encoding)}; this server reads ${JSON_ENCODING}`,
    }
  if (payload.data.length > bytesMax)
    return { type: 'too_large', message: `${what} has ${payload.data.length} bytes; ${bytesMax} are allowed` }
  const text = decodeUtf8(payload.data)
  if (text === undefined) return notJson('JSON_SYNTAX', '', `${what} is not UTF-8`)
  const scan = scanJson(text)
  if (scan.type === 'ok') return { type: 'json', text: scan.json }
  return notJson(scan.code, scan.path, `${what}: ${scan.message} (at character ${scan.offset})`)
}

/** JSON text as a payload; `encoding` stays empty, which means json/plain. */
export const payloadOf = (text: JsonText): Payload => ({ encoding: '', data: Buffer.from(text, 'utf8') })

const notJson = (code: string, path: string, message: string): ReadPayload => ({
  type: 'not_json',
  problem: { code, path, message },
})

const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

const ENCODING_SHOWN_MAX = 64

const shown = (encoding: string): string => JSON.stringify(encoding.slice(0, ENCODING_SHOWN_MAX))
