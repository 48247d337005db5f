/** What may be asked of a schedule, and how it says no. */
import type { TaskId } from '../kernel/ids.js'
import type { Instant } from '../kernel/instant.js'
import type { ScheduleDefinition } from './definition.js'
import type { FiringOutcome } from './events.js'

export type ScheduleCommand = { readonly at: Instant } & (
  | {
      readonly type: 'create'
      readonly namespace: string
      readonly name: string
      readonly definition: ScheduleDefinition
      readonly pausedNote?: string | undefined
    }
  | { readonly type: 'edit'; readonly definition: ScheduleDefinition }
  | { readonly type: 'pause'; readonly note: string }
  | { readonly type: 'resume'; readonly note: string }
  | { readonly type: 'trigger' }
  | { readonly type: 'backfill'; readonly fromAt: Instant; readonly untilAt: Instant }
  | { readonly type: 'delete' }
  /** Its next time may have come. */
  | { readonly type: 'due' }
  | { readonly type: 'started'; readonly firing: string; readonly taskId: TaskId }
  | { readonly type: 'refused'; readonly firing: string; readonly reason: string; readonly message: string }
  | { readonly type: 'ended'; readonly firing: string; readonly outcome: FiringOutcome }
)

export interface ScheduleRefusal {
  readonly reason: 'SCHEDULE_NOT_FOUND' | 'SCHEDULE_EXISTS' | 'SCHEDULE_BUSY' | 'BACKFILL_INVALID'
  readonly message: string
}
