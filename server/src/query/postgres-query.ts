/** The read side on PostgreSQL: the rows the projections wrote. */
import { elementAt, LIMITS, type TaskRow } from '@tasker/core'
import { databaseTrouble } from '../database/trouble.js'
import { Fault } from '../faults.js'
import { waitForPlaces, wantedPlaces } from './consistency.js'
import { decodeCursor, encodeCursor } from './cursor.js'
import type { Query, TaskListing, TaskPage, TaskSort } from './query.js'
import { parseCheckpointRows, parseTaskRow } from './rows.js'
import { type Statement, taskListStatement } from './task-list-sql.js'

/** The little of a connection pool that queries need. */
export interface RowReader {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

export interface PostgresQueryOptions {
  readonly reader: RowReader
  /** Whose checkpoints tell how fresh the rows are. */
  readonly projection: { readonly name: string; readonly version: number }
}

const NEWEST_FIRST: TaskSort = { by: 'created_at', direction: 'desc' }
const CHECKPOINTS =
  'select partition, seq from projection_checkpoint where projection = $1 and version = $2 and partition = any($3::smallint[])'

export const postgresQuery = ({ reader, projection }: PostgresQueryOptions): Query => {
  const checkpoints = async (partitions: readonly number[]): Promise<ReadonlyMap<number, number>> =>
    parseCheckpointRows(await rowsOf(reader, { text: CHECKPOINTS, values: [projection.name, projection.version, partitions] }))

  const listTasks = async (listing: TaskListing): Promise<TaskPage> => {
    const sort = listing.sort ?? NEWEST_FIRST
    const limit = Math.min(listing.limit ?? LIMITS.pageItemsDefault, LIMITS.pageItemsMax)
    const start = listing.start ?? { type: 'first' }
    const after = start.type === 'cursor' ? decodeCursor(start.cursor, sort) : undefined
    const offset = start.type === 'offset' ? start.rows : 0
    await waitForPlaces(wantedPlaces(listing.consistencyTokens ?? []), checkpoints)
    const found = await rowsOf(reader, taskListStatement(listing.filter, sort, after, offset, limit + 1))
    return pageOf(found.map(parseTaskRow), sort, limit)
  }
  return { listTasks }
}

const pageOf = (found: readonly TaskRow[], sort: TaskSort, limit: number): TaskPage => {
  if (found.length <= limit) return { rows: found, nextCursor: undefined }
  const rows = found.slice(0, limit)
  const last = elementAt(rows, limit - 1, 'the last row of a page')
  const sortedAt = sort.by === 'created_at' ? last.createdAt : last.updatedAt
  return { rows, nextCursor: encodeCursor({ sort, sortedAt, taskId: last.taskId }) }
}

const rowsOf = async (reader: RowReader, { text, values }: Statement): Promise<readonly unknown[]> => {
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
