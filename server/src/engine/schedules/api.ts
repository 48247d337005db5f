/** What may be asked of the schedules of a server. */
import type { Instant, LiveSchedule, Namespace, ScheduleDefinition } from '@tasker/core'
import type { FaultDetail } from '../../faults.js'

/** A schedule as its durable events made it. */
export interface ScheduleInfo {
  readonly schedule: LiveSchedule
  /** Of its stream. */
  readonly version: number
  /** The next firings, as far as they are known today; of a paused schedule those that it would make. */
  readonly next: readonly { readonly nominalAt: Instant; readonly dueAt: Instant }[]
}

/** What people order of a schedule; the engine dates it. */
export type ScheduleOrder =
  | { readonly type: 'create'; readonly definition: ScheduleDefinition; readonly pausedNote: string | undefined }
  | { readonly type: 'edit'; readonly definition: ScheduleDefinition }
  | { readonly type: 'pause'; readonly note: string }
  | { readonly type: 'resume'; readonly note: string }
  | { readonly type: 'trigger' }
  | { readonly type: 'backfill'; readonly fromAt: Instant; readonly untilAt: Instant }
  | { readonly type: 'delete' }

export type ScheduleAnswer =
  /** Done, or so already; there is no schedule after it was deleted. */
  | { readonly type: 'done'; readonly changed: boolean; readonly info: ScheduleInfo | undefined }
  | { readonly type: 'failed'; readonly fault: FaultDetail }

export interface ScheduleDoor {
  /** In order of namespaces and names. */
  list(namespace: Namespace | undefined): readonly ScheduleInfo[]
  get(namespace: Namespace, name: string): ScheduleInfo | undefined
  order(namespace: Namespace, name: string, order: ScheduleOrder, actor: string): Promise<ScheduleAnswer>
}
