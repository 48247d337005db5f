/** Envelopes as `jsonb` takes them: it keeps no NUL and no half of a surrogate pair, which JSON may spell as escapes. */
import { type Json, jsonOf, type JsonText, parseJson } from '@tasker/core'
import { type DomainMessage, envelopeText } from '../message.js'

/** The envelope; a payload that `jsonb` refuses goes as base64 of its UTF-8, and says so. `encodeAll` is for what it refuses all the same. */
export const jsonbEnvelope = (message: DomainMessage, encodeAll: boolean): JsonText => {
  if (!encodeAll && [message.payload, message.metadata, jsonOf([message.name, message.stepId])].every(isKept))
    return envelopeText(message)
  const payload = jsonOf({ encoding: 'base64', data: Buffer.from(message.payload, 'utf8').toString('base64') })
  const metadata = encodeAll || !isKept(message.metadata) ? undefined : message.metadata
  return envelopeText({ ...message, payload, metadata, name: shown(message.name), stepId: shown(message.stepId) })
}

/** Only an escape can spell what is not kept, so most texts are not parsed. */
const isKept = (text: JsonText | undefined): boolean =>
  text === undefined || !text.includes('\\u') || isKeptValue(parseJson(text))

const isKeptValue = (value: Json): boolean => {
  if (typeof value === 'string') return !NOT_KEPT.test(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, member]) => !NOT_KEPT.test(key) && isKeptValue(member))
}

/** With the flag `u` a whole pair is a character, and only a half of one is a surrogate. */
const NOT_KEPT = /\0|\p{Surrogate}/u

const shown = (text: string): string => text.replaceAll('\0', '\u2400')
