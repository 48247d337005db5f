/** The read side of dead letters over tasks that live in memory: rows by the real reducer, ranked by the real formula. */
import { type DeadLetterRow, deadLetterRows, type LiveTask, type TaskId } from '@tasker/core'
import type { DeadLetterListing, DeadLetterQuery } from '@tasker/server/internal/query/dead-letters'
import { investigationOf } from '@tasker/server/internal/query/postgres-dead-letters'

export interface LettersUnderTest {
  readonly query: DeadLetterQuery
  /** What the door asked, latest last. */
  readonly listings: DeadLetterListing[]
}

export const lettersOf = (tasks: ReadonlyMap<TaskId, { readonly state: LiveTask }>): LettersUnderTest => {
  const listings: DeadLetterListing[] = []
  const rows = (): readonly DeadLetterRow[] => [...tasks].flatMap(([taskId, { state }]) => deadLetterRows(taskId, state))
  const pending = (): readonly DeadLetterRow[] => rows().filter(({ status }) => status === 'pending')
  const query: DeadLetterQuery = {
    list: async (listing) => {
      listings.push(listing)
      return { rows: rows(), nextCursor: undefined }
    },
    stats: async () =>
      rows().map(({ reason, openedAt }) => ({
        reason,
        total: 1,
        byStatus: { pending: 1, manually_resolved: 0, permanently_failed: 0, cancelled: 0 },
        oldestAt: openedAt,
        newestAt: openedAt,
        resolutionMinutesMean: undefined,
      })),
    investigations: async (now, limit) =>
      pending()
        .slice(0, limit)
        .map((row) => investigationOf(row, now)),
    stillest: async (limit) => [...tasks.keys()].slice(0, limit),
    pendingCount: async () => pending().length,
  }
  return { query, listings }
}
