/** One table's part of the statement that writes a batch: named `with` queries, and the columns of rows they take. */
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
