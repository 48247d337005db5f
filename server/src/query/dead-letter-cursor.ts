/** The opaque cursor of a list of dead letters: the last entry it showed. */
import { instant, type Instant, parseTaskId, type TaskId } from '@tasker/core'
import { invalidCursor } from './cursor.js'

export interface LetterPlace {
  readonly openedAt: Instant
  readonly taskId: TaskId
  readonly entry: number
}

const PLACE = /^dlq1:(\d{1,15}):([0-9A-Z]{26}):(\d{1,9})$/

export const encodeLetterCursor = ({ openedAt, taskId, entry }: LetterPlace): string =>
  Buffer.from(`dlq1:${openedAt}:${taskId}:${entry}`).toString('base64url')

/** Throws `INVALID_CURSOR` for a text that is no cursor of this list. */
export const decodeLetterCursor = (cursor: string): LetterPlace => {
  const place = PLACE.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  const taskId = parseTaskId(place?.[2] ?? '')
  if (place === null || taskId === undefined) throw invalidCursor('The cursor is none that this list gave out.')
  return { openedAt: instant(Number(place[1])), taskId, entry: Number(place[3]) }
}
