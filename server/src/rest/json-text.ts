/** Answers are written as text, so that payloads go out as they came in, byte for byte. */
import { type Instant, instantText, JSON_NULL, type JsonText, jsonOf, trustedJson } from '@tasker/core'

/** An object of members that are JSON text already; the names need no escapes. */
export const objectText = (members: { readonly [name: string]: JsonText }): JsonText =>
  trustedJson(
    `{${Object.entries(members)
      .map(([name, value]) => `"${name}":${value}`)
      .join(',')}}`,
  )

export const arrayText = (items: readonly JsonText[]): JsonText => trustedJson(`[${items.join(',')}]`)

export const textOrNull = (value: string | undefined): JsonText => (value === undefined ? JSON_NULL : jsonOf(value))

export const atOrNull = (value: Instant | undefined): JsonText => (value === undefined ? JSON_NULL : jsonOf(instantText(value)))
