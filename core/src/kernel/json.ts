/** JSON as values and as text. Users' payloads stay text from door to door: they are embedded byte for byte and never re-serialised. */
import type { Brand } from './brand.js'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Text that is exactly one valid JSON value, as its sender wrote it. */
export type JsonText = Brand<string, 'JsonText'>

/** The caller vouches that the text is one JSON value: it comes from the scanner, from a serialiser or from the log. */
export const trustedJson = (text: string): JsonText => text as JsonText

export const jsonOf = (value: Json): JsonText => JSON.stringify(value) as JsonText

export const JSON_NULL: JsonText = trustedJson('null')
