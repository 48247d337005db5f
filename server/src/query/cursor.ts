/** The opaque cursor of a list: the sort it belongs to and the last row it showed. */
import { parseTaskId, type TaskId } from '@tasker/core'
import { Fault } from '../faults.js'
import type { TaskSort } from './query.js'

/** A row's place in a sorted list. */
export interface ListPlace {
  readonly sort: TaskSort
  readonly sortedAt: number
  readonly taskId: TaskId
}

const PLACE = /^1:(created_at|updated_at):(asc|desc):(\d{1,15}):([0-9A-Z]{26})$/

export const encodeCursor = (place: ListPlace): string =>
  Buffer.from(`1:${place.sort.by}:${place.sort.direction}:${place.sortedAt}:${place.taskId}`).toString('base64url')

/** Throws `INVALID_CURSOR` for a text that is no cursor, or one of a list with another order. */
export const decodeCursor = (cursor: string, sort: TaskSort): ListPlace => {
  const place = PLACE.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  const taskId = parseTaskId(place?.[4] ?? '')
  if (place === null || taskId === undefined) throw invalidCursor('The cursor is none that this server gave out.')
  if (place[1] !== sort.by || place[2] !== sort.direction)
    throw invalidCursor(`The cursor belongs to a list sorted by ${place[1]} ${place[2]}.`)
  return { sort, sortedAt: Number(place[3]), taskId }
}

export const invalidCursor = (message: string): Fault =>
  new Fault({
    code: 'INVALID_INPUT',
    reason: 'INVALID_CURSOR',
    message,
    hint: 'Start again without a cursor, or repeat next_cursor with the same filters and sort.',
    errors: [{ code: 'INVALID_CURSOR', message, path: '/cursor' }],
  })
