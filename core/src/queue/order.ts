/**
 * Who goes first among the steps that wait in one queue.
 *
 * A point of priority is worth a fixed time of waiting, so two steps keep their order while both wait: what counts is when each became
 * ready, moved ahead by its priority. Nothing is re-sorted as time passes, an index keeps the order, and a step of the lowest priority waits
 * no longer than 200 points are worth before it goes ahead of newcomers of the highest.
 */
import type { Instant } from '../kernel/instant.js'
import { LIMITS } from '../limits.js'

/** What one point of priority is worth in waiting. */
export const PRIORITY_POINT_MS = 60_000 / LIMITS.priorityPointsPerMinute

/** Lower goes first. */
export const readyRank = (priority: number, readyAt: Instant): number => readyAt - priority * PRIORITY_POINT_MS

interface Ranked {
  readonly rank: number
  readonly taskId: string
  readonly step: string
}

/** The order of one fairness key's steps; no two of them are equal. */
export const compareRanked = (a: Ranked, b: Ranked): number =>
  a.rank - b.rank || compareText(a.taskId, b.taskId) || compareText(a.step, b.step)

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
