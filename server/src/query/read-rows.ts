/** One statement of the read side, and what its failure means to a reader. */
import { databaseTrouble } from '../database/trouble.js'
import { Fault } from '../faults.js'
import type { Statement } from './task-list-sql.js'

/** The little of a connection pool that queries need. */
export interface RowReader {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

export const rowsOf = async (reader: RowReader, { text, values }: Statement): Promise<readonly unknown[]> => {
  try {
    return (await reader.query(text, [...values])).rows
  } catch (error) {
    throw isDatabaseAway(error) ? databaseAway(error) : error
  }
}

/** Whether the database, and not the query, is what failed. */
const isDatabaseAway = (error: unknown): boolean => {
  const trouble = databaseTrouble(error, 'executing')
  return trouble.type === 'connection_lost' || (trouble.type === 'rejected' && OUT_OF_RESOURCES.test(trouble.code))
}

const OUT_OF_RESOURCES = /^53/

const databaseAway = (cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      message: 'The database cannot be reached, so lists cannot be read now.',
      retryable: true,
      retryAfterMs: 1_000,
      hint: 'Repeat the query; single tasks that are in memory can still be read.',
    },
    cause,
  )
