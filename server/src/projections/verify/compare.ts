/** Rows as they are against rows as they should be. */
import { isDeepStrictEqual } from 'node:util'
import type { Projection } from '../fold/projections.js'
import type { ColumnValue } from '../tables/column.js'
import type { RowRecord } from '../tables/projected-table.js'
import type { RowDifference } from './port.js'

/** Characters of a value that a difference shows; the rest is cut around the first one that differs. */
const VALUE_CHARS_MAX = 200
/** Of them, what is shown before that one. */
const VALUE_CHARS_BEFORE = 40

/** Every row that differs, in the order of the rows that should be there, and then those that should not. */
export const differencesOf = (
  projection: Projection,
  expected: readonly RowRecord[],
  found: readonly RowRecord[],
  version: number | undefined,
): readonly RowDifference[] => {
  const left = new Map(found.map((row) => [keyText(projection, row), row]))
  const differences = expected.flatMap((row) => {
    const there = left.get(keyText(projection, row))
    left.delete(keyText(projection, row))
    if (there === undefined) return [rowDifference(projection, 'missing', row, version)]
    const changed = changedColumn(projection, row, there, version)
    return changed === undefined ? [] : [changed]
  })
  return [...differences, ...[...left.values()].map((row) => rowDifference(projection, 'unexpected', row, version))]
}

export const keyText = ({ key }: Projection, row: RowRecord): string => JSON.stringify(key.map((column) => row[column]))

const keyOf = ({ key }: Projection, row: RowRecord): RowRecord =>
  Object.fromEntries(key.map((column) => [column, row[column] ?? null]))

export const rowDifference = (
  projection: Projection,
  kind: 'missing' | 'unexpected',
  row: RowRecord,
  version: number | undefined,
): RowDifference => ({
  projection: projection.name,
  kind,
  row: keyOf(projection, row),
  column: undefined,
  expected: undefined,
  found: undefined,
  version,
})

const changedColumn = (
  projection: Projection,
  expected: RowRecord,
  found: RowRecord,
  version: number | undefined,
): RowDifference | undefined => {
  const column = projection.columns.find((name) => !isDeepStrictEqual(expected[name] ?? null, found[name] ?? null))
  if (column === undefined) return undefined
  const [wanted, had] = excerpts(valueText(expected[column]), valueText(found[column]))
  return {
    projection: projection.name,
    kind: 'changed',
    row: keyOf(projection, expected),
    column,
    expected: wanted,
    found: had,
    version,
  }
}

/** A difference in a sentence. */
export const differenceText = ({ projection, kind, row, column, expected, found, version }: RowDifference): string => {
  const place = `the row ${JSON.stringify(row)} of ${projection}`
  const at = version === undefined ? '' : ` at version ${version} of its stream`
  if (kind === 'missing') return `${place} is missing${at}`
  if (kind === 'unexpected') return `${place} should not be there`
  return `${column} of ${place} is ${found}, the log says ${expected}${at}`
}

const valueText = (value: ColumnValue | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null))

/** Both from a little before the first character that differs. */
const excerpts = (a: string, b: string): readonly [string, string] => {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  const from = Math.max(0, at - VALUE_CHARS_BEFORE)
  return [excerpt(a, from), excerpt(b, from)]
}

const excerpt = (text: string, from: number): string => {
  const to = from + VALUE_CHARS_MAX
  const start = text.length <= VALUE_CHARS_MAX ? 0 : from
  return `${start > 0 ? '…' : ''}${text.slice(start, to)}${text.length > to ? '…' : ''}`
}
