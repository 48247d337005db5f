/** The two questions of analytics, the same at each door. */
import { type Instant, instant } from '@tasker/core'
import type { QueueInfo } from '../engine/api.js'
import type { Analytics } from './analytics.js'
import { type Bottlenecks, bottlenecksOf } from './bottlenecks.js'
import { type Performance, performanceOf } from './performance.js'

export interface AnalyticsSource {
  readonly analytics: Analytics
  readonly queues: () => readonly QueueInfo[]
  readonly now: () => Instant
}

const HOUR_MS = 3_600_000

export const performance = async (source: AnalyticsSource, hours: number): Promise<Performance> => {
  const { analytics } = source
  const now = source.now()
  const since = instant(now - hours * HOUR_MS)
  const [activity, activeTasks, statuses] = await Promise.all([
    analytics.activitySince(since),
    analytics.activeTasks(),
    analytics.statusesSince(since),
  ])
  return performanceOf({ activity, activeTasks, statuses, since, now })
}

export const bottlenecks = async (
  { analytics, queues, now }: AnalyticsSource,
  hours: number,
  bounds: { readonly itemsMax: number; readonly executionsMin: number },
): Promise<Bottlenecks> => {
  const since = instant(now() - hours * HOUR_MS)
  const [activity, statuses] = await Promise.all([analytics.activitySince(since), analytics.statusesSince(since)])
  return bottlenecksOf({ activity, statuses, poolUse: analytics.poolUse(), queues: queues(), ...bounds })
}
