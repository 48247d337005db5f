/** One table's part of the statement that writes a batch: named `with` queries, and the columns of rows they take. */
import { textArray } from '../../database/binary-array.js'
import type { ProjectionBatch } from '../port.js'

export interface TableWrite {
  /** The array type of each parameter, in order. */
  readonly types: readonly `${string}[]`[]
  /** One or more `name as (…)`, without `with`. Each reads from `agreed`, so that it writes nothing on a conflict. */
  readonly sql: (parameters: readonly string[]) => string
  readonly values: (batch: ProjectionBatch) => readonly Buffer[]
}

/** `$7::text[]` and on, for types that begin at parameter 7. */
export const placeholders = (first: number, types: readonly string[]): readonly string[] =>
  types.map((type, index) => `$${first + index}::${type}`)

/** PostgreSQL keeps no NUL; rows are for lists, so one is shown as what it is and never stops the others. */
export const texts = <Row>(rows: readonly Row[], column: (row: Row) => string | undefined): Buffer =>
  textArray(
    rows.map((row) => {
      const text = column(row)
      return text?.includes('\0') === true ? text.replaceAll('\0', '\u2400') : text
    }),
  )
