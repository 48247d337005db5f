/** What the doors may ask of the projections: how they stand, a rebuild, a comparison with the log. */
import type { Instant } from '@tasker/core'
import type { ProjectionName } from './fold/names.js'
import type { Rebuild } from './rebuild/port.js'
import type { RowDifference } from './verify/port.js'

export type { ProjectionName } from './fold/names.js'
export type { RowDifference } from './verify/port.js'

/** A stream that can be read only up to a place. */
export interface Unreadable {
  readonly stream: string
  readonly position: string
  readonly message: string
}

/** What is known to be wrong with a projection, until a whole pass finds it right or it is built anew. */
export interface Finding {
  readonly count: number
  readonly first: RowDifference
  readonly foundAt: Instant
}

/** A comparison that somebody asked for. */
export interface Verification {
  readonly state: 'running' | 'done' | 'failed' | 'stopped'
  readonly names: readonly ProjectionName[]
  readonly startedAt: Instant
  readonly endedAt: Instant | undefined
  readonly streams: number
  /** How many rows differ, by projection. */
  readonly differences: ReadonlyMap<ProjectionName, number>
  readonly first: RowDifference | undefined
  readonly unreadable: number
  readonly firstUnreadable: Unreadable | undefined
  /** Projections of which nothing can be said, and why. */
  readonly notCompared: readonly string[]
  /** Why it failed. */
  readonly problem: string | undefined
}

/** How a projection stands. */
export interface ProjectionStatus {
  readonly name: ProjectionName
  /** Of the rows that are read; 0 when there are none yet. */
  readonly version: number
  /** Of this program. Rows of another version are being built anew. */
  readonly programVersion: number
  readonly builtAt: Instant | undefined
  readonly rebuild: (Rebuild & { readonly problem: string | undefined }) | undefined
  readonly finding: Finding | undefined
}

export interface ProjectionUpkeep {
  readonly names: readonly ProjectionName[]
  status(): Promise<readonly ProjectionStatus[]>
  /** Durably asked for when it resolves; undefined when there is no such projection. */
  rebuild(name: string): Promise<ProjectionStatus | undefined>
  /** Begins to compare these, or all, with the log; `running` while another such comparison runs. */
  verify(names: readonly ProjectionName[]): Verification | 'running'
  readonly verification: Verification | undefined
  readonly findings: ReadonlyMap<ProjectionName, Finding>
}
