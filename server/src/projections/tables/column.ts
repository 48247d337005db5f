/** A column of projected rows: what the writer stores in it, and what the auditor expects to find there. */
import { int4Array, int8Array, nullableInt8Array, textArray } from '../../database/binary-array.js'

interface Named {
  readonly name: string
  /** Where a row is there already: its value and the new one become one. The new one takes its place when not said. */
  readonly merge?: 'sum' | 'greatest'
}

export type Column<Row> = Named &
  (
    | { readonly type: 'text'; readonly of: (row: Row) => string | undefined }
    | { readonly type: 'text[]'; readonly of: (row: Row) => readonly string[] }
    | { readonly type: 'int4' | 'int8'; readonly of: (row: Row) => number }
    | { readonly type: 'int8 or null'; readonly of: (row: Row) => number | undefined }
  )

/** As PostgreSQL gives it back in JSON. */
export type ColumnValue = string | number | readonly string[] | null

/** The type of the parameter that carries a column of many rows. Arrays of arrays are none, so texts go as literals. */
export const parameterType = <Row>({ type }: Column<Row>): `${string}[]` => {
  if (type === 'int4') return 'int4[]'
  return type === 'int8' || type === 'int8 or null' ? 'int8[]' : 'text[]'
}

/** A column of all rows as one parameter. */
export const columnBuffer = <Row>(column: Column<Row>, rows: readonly Row[]): Buffer => {
  switch (column.type) {
    case 'text':
      return textArray(rows.map((row) => storable(column.of(row))))
    case 'text[]':
      return textArray(rows.map((row) => arrayLiteral(storables(column.of(row)))))
    case 'int4':
      return int4Array(rows.map(column.of))
    case 'int8':
      return int8Array(rows.map(column.of))
    case 'int8 or null':
      return nullableInt8Array(rows.map(column.of))
  }
}

/** What is stored of a row. */
export const columnValue = <Row>(column: Column<Row>, row: Row): ColumnValue => {
  switch (column.type) {
    case 'text':
      return storable(column.of(row)) ?? null
    case 'text[]':
      return storables(column.of(row))
    case 'int4':
    case 'int8':
    case 'int8 or null':
      return column.of(row) ?? null
  }
}

/** PostgreSQL keeps no NUL; rows are for lists, so one is shown as what it is and never stops the others. */
const storable = (text: string | undefined): string | undefined =>
  text?.includes('\0') === true ? text.replaceAll('\0', '\u2400') : text

const storables = (texts: readonly string[]): readonly string[] =>
  texts.some((text) => text.includes('\0')) ? texts.map((text) => storable(text) ?? '') : texts

const arrayLiteral = (items: readonly string[]): string =>
  items.length === 0 ? '{}' : `{${items.map((item) => `"${item.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
