/** What readers may ask of the projections: lists of tasks, eventually consistent, or as fresh as a token they carry. */
import type { Instant, Namespace, TaskRow, TaskStatus } from '@tasker/core'
import type { ConsistencyToken } from '../engine/api.js'
import type { DeadLetterQuery } from './dead-letters.js'
import type { PageStart } from './page-start.js'

/** Bounds of a listing beside `LIMITS.pageItemsMax`. */
export const LISTING_LIMITS = {
  /** The furthest page by number; cursors have no such end. */
  pageMax: 1_000,
  /** Consistency tokens of one query. */
  consistencyTokensMax: 64,
  /** Characters of a free text search. */
  textCharsMax: 255,
} as const

/** Every field that is given must match. Ranges include their start and exclude their end. */
export interface TaskFilter {
  readonly namespace?: Namespace | undefined
  readonly name?: string | undefined
  readonly version?: string | undefined
  /** Any of these; all when empty. */
  readonly statuses?: readonly TaskStatus[] | undefined
  readonly tag?: string | undefined
  readonly initiator?: string | undefined
  readonly correlationId?: string | undefined
  readonly createdFrom?: Instant | undefined
  readonly createdBefore?: Instant | undefined
  readonly updatedFrom?: Instant | undefined
  readonly updatedBefore?: Instant | undefined
  /** Found anywhere in id, name, initiator, source system, reason, correlation id or tags, in either case. */
  readonly text?: string | undefined
}

export interface TaskSort {
  readonly by: 'created_at' | 'updated_at'
  readonly direction: 'asc' | 'desc'
}

export interface TaskListing {
  readonly filter: TaskFilter
  /** Newest first when not given. */
  readonly sort?: TaskSort | undefined
  /** From 1 to `LIMITS.pageItemsMax`; `LIMITS.pageItemsDefault` when not given. */
  readonly limit?: number | undefined
  readonly start?: PageStart | undefined
  /** The query waits until the rows show what these writes did, at most `LIMITS.consistencyWaitMsMax`. */
  readonly consistencyTokens?: readonly ConsistencyToken[] | undefined
}

export interface TaskPage {
  readonly rows: readonly TaskRow[]
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined
}

/**
 * The read side. Throws a Fault: `CONSISTENCY_TIMEOUT` when the rows did not catch up in time, `INVALID_CURSOR` and `INVALID_CONSISTENCY_TOKEN`
 * for texts it never gave out, `DATABASE_UNAVAILABLE` when the database is away.
 */
export interface Query {
  listTasks(listing: TaskListing): Promise<TaskPage>
  readonly deadLetters: DeadLetterQuery
}
