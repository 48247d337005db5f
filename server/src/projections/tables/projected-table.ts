/** A table of projected rows, declared once: the statement that writes it follows from its columns, and so does what an auditor expects. */
import type { ProjectionBatch } from '../port.js'
import { type Column, columnBuffer, type ColumnValue, columnValue, parameterType } from './column.js'
import type { TableWrite } from './table-write.js'

export interface ProjectedTable<Row> {
  readonly name: string
  /** The columns of its primary key. */
  readonly key: readonly string[]
  readonly columns: readonly Column<Row>[]
}

/** A row by the names of its columns. */
export type RowRecord = Readonly<Record<string, ColumnValue>>

export interface InsertOptions {
  /** Where the rows go, when that is not the table itself. */
  readonly into?: string
  /** A query of the same statement that has to be done before. */
  readonly behind?: string
  /** Where a row is there already, it is written over only if this holds. */
  readonly overIf?: string
}

/** `name as (insert …)`: rows that are there already are written over. */
export const insertSql = <Row>(
  { name, key, columns }: ProjectedTable<Row>,
  parameters: readonly string[],
  { into = name, behind, overIf }: InsertOptions = {},
): string => {
  const place = (_: unknown, index: number): string => `c${index}`
  const selected = columns.map((column, index) => (column.type === 'text[]' ? `c${index}::text[]` : `c${index}`))
  const updates = columns.filter((column) => !key.includes(column.name)).map(updateOf)
  return `written_${name} as (
  insert into ${into} as stored (${columns.map((column) => column.name).join(', ')})
  select ${selected.join(', ')} from unnest(${parameters.join(', ')}) as r(${columns.map(place).join(', ')}), agreed
  ${behind === undefined ? '' : `where (select count(*) from ${behind}) >= 0`}
  on conflict (${key.join(', ')}) do update set ${updates.join(', ')}
  ${overIf === undefined ? '' : `where ${overIf}`}
)`
}

const updateOf = <Row>({ name, merge }: Column<Row>): string => {
  if (merge === 'sum') return `${name} = stored.${name} + excluded.${name}`
  return merge === 'greatest' ? `${name} = greatest(stored.${name}, excluded.${name})` : `${name} = excluded.${name}`
}

export const columnTypes = <Row>({ columns }: ProjectedTable<Row>): readonly `${string}[]`[] => columns.map(parameterType)

export const columnBuffers = <Row>({ columns }: ProjectedTable<Row>, rows: readonly Row[]): readonly Buffer[] =>
  columns.map((column) => columnBuffer(column, rows))

export const recordOf = <Row>({ columns }: ProjectedTable<Row>, row: Row): RowRecord =>
  Object.fromEntries(columns.map((column) => [column.name, columnValue(column, row)]))

/** How the rows of a batch are written. */
export const upsert = <Row>(
  table: ProjectedTable<Row>,
  rowsOf: (batch: ProjectionBatch) => readonly Row[],
  options: InsertOptions = {},
): TableWrite => ({
  types: columnTypes(table),
  sql: (parameters) => insertSql(table, parameters, options),
  values: (batch) => columnBuffers(table, rowsOf(batch)),
})
