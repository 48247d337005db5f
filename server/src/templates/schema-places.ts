/** Every JSON Schema of a template's document, with its place. */
import type { Json } from '@tasker/core'

type JsonObject = { readonly [key: string]: Json }

export interface PlacedSchema {
  /** JSON Pointer into the document. */
  readonly place: string
  readonly schema: JsonObject
}

/** What stands where a schema should be and is no map is told by the fields, not here. */
export const schemasOf = (document: Json): readonly PlacedSchema[] => [
  ...schemaAt(document, 'input_schema', ''),
  ...elements(document, 'domain_events', '').flatMap(({ place, value }) => schemaAt(value, 'schema', place)),
  ...elements(document, 'steps', '').flatMap((step) => [
    ...schemaAt(step.value, 'result_schema', step.place),
    ...elements(step.value, 'publishes_events', step.place).flatMap(({ place, value }) => schemaAt(value, 'schema', place)),
  ]),
]

const schemaAt = (value: Json, key: string, place: string): readonly PlacedSchema[] => {
  const schema = memberOf(value, key)
  return isMap(schema) ? [{ place: `${place}/${key}`, schema }] : []
}

const elements = (value: Json, key: string, place: string): readonly { readonly place: string; readonly value: Json }[] => {
  const list = memberOf(value, key)
  return isList(list) ? list.map((element, index) => ({ place: `${place}/${key}/${index}`, value: element })) : []
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

const isMap = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const memberOf = (document: Json, key: string): Json | undefined =>
  isMap(document) && Object.hasOwn(document, key) ? document[key] : undefined
