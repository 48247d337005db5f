/** What analytics are made of: sums the projections keep, never single tasks. */
import type { ActivityRow, Instant, TaskStatus } from '@tasker/core'

export const ANALYTICS_LIMITS = {
  hoursDefault: 24,
  /** A year. */
  hoursMax: 8_760,
  itemsDefault: 10,
  itemsMax: 100,
  executionsMinDefault: 5,
} as const

export interface Analytics {
  /** One row a template and one a step of it: everything from the hour of `since` on. */
  activitySince(since: Instant): Promise<readonly ActivityRow[]>
  /** Tasks that were submitted and have not ended. */
  activeTasks(): Promise<number>
  /** Of the tasks that were submitted from `since` on, how many are in which status. */
  statusesSince(since: Instant): Promise<ReadonlyMap<TaskStatus, number>>
  /** The share of the readers' connections that are in use, from 0 to 1. */
  poolUse(): number
}
