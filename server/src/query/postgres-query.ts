/** The read side on PostgreSQL: the rows the projections wrote. */
import { elementAt, LIMITS, type TaskRow } from '@tasker/core'
import { waitForPlaces, wantedPlaces } from './consistency.js'
import { decodeCursor, encodeCursor } from './cursor.js'
import { postgresDeadLetters } from './postgres-dead-letters.js'
import type { Query, TaskListing, TaskPage, TaskSort } from './query.js'
import { type RowReader, rowsOf } from './read-rows.js'
import { parseCheckpointRows, parseTaskRow } from './rows.js'
import { taskListStatement } from './task-list-sql.js'

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
  const deadLetters = postgresDeadLetters({
    rows: (statement) => rowsOf(reader, statement),
    fresh: (tokens) => waitForPlaces(wantedPlaces(tokens), checkpoints),
  })
  return { listTasks, deadLetters }
}

const pageOf = (found: readonly TaskRow[], sort: TaskSort, limit: number): TaskPage => {
  if (found.length <= limit) return { rows: found, nextCursor: undefined }
  const rows = found.slice(0, limit)
  const last = elementAt(rows, limit - 1, 'the last row of a page')
  const sortedAt = sort.by === 'created_at' ? last.createdAt : last.updatedAt
  return { rows, nextCursor: encodeCursor({ sort, sortedAt, taskId: last.taskId }) }
}
