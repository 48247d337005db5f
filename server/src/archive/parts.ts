/** What archiving is built on. */
import type { DurationMs, Plan, Retention, TemplateHash } from '@tasker/core'
import type { SealedRanges } from '../audit/read-proof.js'
import type { ArchiveAnswer, ArchiveOrder, EngineHealth } from '../engine/api.js'
import type { Clock } from '../engine/clock.js'
import type { EventLog } from '../log/port.js'
import type { RetentionRows } from './rows.js'
import type { ArchiveStore } from './store.js'

/** What the archiver asks of the engine. */
export interface ArchivingEngine {
  archive(order: ArchiveOrder): Promise<ArchiveAnswer>
  health(): Pick<EngineHealth, 'ready' | 'pendingCommits'>
  planOf(hash: TemplateHash): Plan | undefined
}

export interface ArchiverSettings {
  readonly retention: Retention
  readonly batchTasksMax: number
  /** Between two archives while there is work. */
  readonly pauseMs: DurationMs
  /** Between two looks when there is none. */
  readonly intervalMs: DurationMs
}

export interface ArchiverHooks {
  readonly archived: (archive: string, tasks: number, bytes: number) => void
  readonly failed: (message: string) => void
}

export interface ArchiverParts {
  readonly engine: ArchivingEngine
  readonly log: EventLog
  readonly rows: RetentionRows
  readonly store: ArchiveStore
  readonly clock: Clock
  readonly hooks: ArchiverHooks
  /** What is not sealed is not archived yet. */
  readonly sealed: Pick<SealedRanges, 'of'>
}

/** Tasks that are due and stay for now, by reason. */
export interface HeldTasks {
  /** Their commits are not sealed yet. */
  readonly unsealed: number
  /** Their domain events are not with the transport yet. */
  readonly unpublished: number
  /** Their history or their template cannot be read, or `task.archived` was refused. */
  readonly refused: number
}

export const NONE_HELD: HeldTasks = { unsealed: 0, unpublished: 0, refused: 0 }

export const sumOfHeld = (a: HeldTasks, b: HeldTasks): HeldTasks => ({
  unsealed: a.unsealed + b.unsealed,
  unpublished: a.unpublished + b.unpublished,
  refused: a.refused + b.refused,
})
