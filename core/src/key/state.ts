/** A key as its events made it: who has its places. */
import type { DurationMs, Instant } from '../kernel/instant.js'
import type { StepId, TaskId } from '../kernel/ids.js'
import type { KeyLimit } from './key.js'

/** An attempt that may have a place. */
export interface PlaceRef {
  readonly taskId: TaskId
  readonly step: StepId
  readonly attempt: number
}

export interface Place extends PlaceRef {
  readonly grantedAt: Instant
  /** Of a rate: how long it is taken after the start. */
  readonly perMs: DurationMs | undefined
}

export interface KeyState extends KeyLimit {
  /** By `placeId`, the oldest first. */
  readonly places: ReadonlyMap<string, Place>
}

/** A key nobody asked for yet. */
export const NO_KEY: KeyState = { limit: 0, perMs: undefined, places: new Map() }

export const placeId = ({ taskId, step, attempt }: PlaceRef): string => `${taskId}/${attempt}/${step}`
