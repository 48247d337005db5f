/** Dead letters read from the rows the projection wrote. */
import { elementAt, type DeadLetterRow, type Instant, investigationPriority, LIMITS, type Namespace } from '@tasker/core'
import { decodeLetterCursor, encodeLetterCursor } from './dead-letter-cursor.js'
import { parseLetter, parseLetterStats, parsePendingCount, parseTaskIdRow } from './dead-letter-rows.js'
import {
  investigationsStatement,
  letterListStatement,
  letterStatsStatement,
  PENDING_COUNT,
  stillestStatement,
} from './dead-letter-sql.js'
import type { DeadLetterListing, DeadLetterPage, DeadLetterQuery, Investigation } from './dead-letters.js'
import type { Statement } from './task-list-sql.js'

export interface LetterSource {
  readonly rows: (statement: Statement) => Promise<readonly unknown[]>
  /** Resolves when the rows show what these writes did. */
  readonly fresh: (tokens: readonly string[]) => Promise<void>
}

export const postgresDeadLetters = ({ rows, fresh }: LetterSource): DeadLetterQuery => ({
  list: async (listing) => {
    await fresh(listing.consistencyTokens ?? [])
    const limit = Math.min(listing.limit ?? LIMITS.pageItemsDefault, LIMITS.pageItemsMax)
    return pageOf((await rows(listStatement(listing, limit))).map(parseLetter), limit)
  },
  stats: async (namespace) => (await rows(letterStatsStatement(namespace))).map(parseLetterStats),
  investigations: async (now, limit, namespace) =>
    (await rows(investigationsStatement(now, limit, namespace))).map((row) => investigationOf(parseLetter(row), now)),
  stillest: async (limit: number, namespace?: Namespace) => (await rows(stillestStatement(limit, namespace))).map(parseTaskIdRow),
  pendingCount: async () => parsePendingCount(await rows({ text: PENDING_COUNT, values: [] })),
})

const listStatement = ({ filter, start = { type: 'first' } }: DeadLetterListing, limit: number): Statement => {
  const after = start.type === 'cursor' ? decodeLetterCursor(start.cursor) : undefined
  return letterListStatement(filter, after, start.type === 'offset' ? start.rows : 0, limit + 1)
}

const pageOf = (found: readonly DeadLetterRow[], limit: number): DeadLetterPage => {
  if (found.length <= limit) return { rows: found, nextCursor: undefined }
  const rows = found.slice(0, limit)
  return { rows, nextCursor: encodeLetterCursor(elementAt(rows, limit - 1, 'the last row of a page')) }
}

export const investigationOf = (row: DeadLetterRow, now: Instant): Investigation => ({
  row,
  waitedMinutes: Math.max(0, now - row.openedAt) / 60_000,
  priority: investigationPriority(row.reason, row.openedAt, now),
})
