/** Lists of tasks over rows in memory: for a server inside another program. */
import { elementAt, LIMITS, type TaskRow } from '@tasker/core'
import { decodeCursor, encodeCursor, type ListPlace } from './cursor.js'
import type { Query, TaskFilter, TaskListing, TaskPage, TaskSort } from './query.js'

const NEWEST_FIRST: TaskSort = { by: 'created_at', direction: 'desc' }

/** Whoever asks sees to it that the rows are as fresh as its tokens want. */
export const memoryTaskLists = (rows: () => readonly TaskRow[]): Pick<Query, 'listTasks'> => ({
  listTasks: async (listing) => pageOf(rows(), listing),
})

const pageOf = (rows: readonly TaskRow[], listing: TaskListing): TaskPage => {
  const { filter, sort = NEWEST_FIRST, start = { type: 'first' } } = listing
  const limit = Math.min(listing.limit ?? LIMITS.pageItemsDefault, LIMITS.pageItemsMax)
  const after = start.type === 'cursor' ? decodeCursor(start.cursor, sort) : undefined
  const direction = sort.direction === 'asc' ? 1 : -1
  const place = (row: TaskRow): ListPlace => ({
    sort,
    sortedAt: sort.by === 'created_at' ? row.createdAt : row.updatedAt,
    taskId: row.taskId,
  })
  const order = (a: ListPlace, b: ListPlace): number => direction * (a.sortedAt - b.sortedAt || compareText(a.taskId, b.taskId))
  const found = rows
    .filter((row) => matches(row, filter) && (after === undefined || order(place(row), after) > 0))
    .sort((a, b) => order(place(a), place(b)))
    .slice(start.type === 'offset' ? start.rows : 0)
  const page = found.slice(0, limit)
  const nextCursor = found.length > limit ? encodeCursor(place(elementAt(page, limit - 1, 'the last row of a page'))) : undefined
  return { rows: page, nextCursor }
}

const matches = (row: TaskRow, filter: TaskFilter): boolean => {
  const { statuses = [], tag, text, createdFrom, createdBefore, updatedFrom, updatedBefore } = filter
  const fields = ['namespace', 'name', 'version', 'initiator', 'correlationId'] as const
  return (
    fields.every((field) => filter[field] === undefined || row[field] === filter[field]) &&
    (statuses.length === 0 || statuses.includes(row.status)) &&
    (tag === undefined || row.tags.includes(tag)) &&
    within(row.createdAt, createdFrom, createdBefore) &&
    within(row.updatedAt, updatedFrom, updatedBefore) &&
    (text === undefined || searched(row).includes(text.toLowerCase()))
  )
}

const within = (at: number, from: number | undefined, before: number | undefined): boolean =>
  (from === undefined || at >= from) && (before === undefined || at < before)

const searched = ({ taskId, name, initiator, sourceSystem, reason, correlationId, tags }: TaskRow): string =>
  [taskId, name, initiator, sourceSystem, reason, correlationId, ...tags]
    .filter((part) => part !== undefined)
    .join(' ')
    .toLowerCase()

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
