/** What readers may ask of the dead letters: lists, figures, what to look at first, and which tasks have been still for longest. */
import type { DeadLetterReason, DeadLetterRow, DeadLetterStatus, Instant, Namespace, TaskId } from '@tasker/core'
import type { ConsistencyToken } from '../engine/api.js'
import type { PageStart } from './page-start.js'

/** Every field that is given must match. */
export interface DeadLetterFilter {
  readonly namespace?: Namespace | undefined
  /** Any of these; all when empty. */
  readonly statuses?: readonly DeadLetterStatus[] | undefined
  readonly reason?: DeadLetterReason | undefined
  readonly taskId?: TaskId | undefined
}

export interface DeadLetterListing {
  readonly filter: DeadLetterFilter
  /** From 1 to `LIMITS.pageItemsMax`; `LIMITS.pageItemsDefault` when not given. */
  readonly limit?: number | undefined
  readonly start?: PageStart | undefined
  readonly consistencyTokens?: readonly ConsistencyToken[] | undefined
}

/** Newest first. */
export interface DeadLetterPage {
  readonly rows: readonly DeadLetterRow[]
  readonly nextCursor: string | undefined
}

/** The entries of one reason. */
export interface DeadLetterStats {
  readonly reason: DeadLetterReason
  readonly total: number
  readonly byStatus: { readonly [Status in DeadLetterStatus]: number }
  readonly oldestAt: Instant
  readonly newestAt: Instant
  /** Of those that are resolved; undefined when none is. */
  readonly resolutionMinutesMean: number | undefined
}

export interface Investigation {
  readonly row: DeadLetterRow
  readonly waitedMinutes: number
  readonly priority: number
}

/** Throws the same Faults as the lists of tasks. */
export interface DeadLetterQuery {
  list(listing: DeadLetterListing): Promise<DeadLetterPage>
  /** One a reason that has entries, in the order of their number. */
  stats(namespace?: Namespace): Promise<readonly DeadLetterStats[]>
  /** Pending entries, the most urgent first. */
  investigations(now: Instant, limit: number, namespace?: Namespace): Promise<readonly Investigation[]>
  /** Open tasks, those first that have been as they are for longest. */
  stillest(limit: number, namespace?: Namespace): Promise<readonly TaskId[]>
  pendingCount(): Promise<number>
}
