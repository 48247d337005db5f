/**
 * What retention asks of the database beside the log.
 *
 * R1  `record` is durable before any task of the archive is archived: an archive whose work was cut short is found by `pending`.
 * R2  `remove` takes commits out of the log, leaves the place and hash of each, and adds what they had counted for, all in one; or does
 *     nothing when one of them is not there any more.
 */
import type { ActivityRow, Instant, Partition, TaskId } from '@tasker/core'

/** A task that is over, by its row. */
export interface EndedTask {
  readonly taskId: TaskId
  readonly endedAt: Instant
}

/** An archive that was written. */
export interface WrittenArchive {
  readonly name: string
  readonly namespace: string
  readonly tasks: readonly TaskId[]
  readonly bytes: number
  readonly firstEndedAt: Instant
  readonly lastEndedAt: Instant
  readonly writtenAt: Instant
}

export interface RetentionTotals {
  readonly archives: number
  readonly tasks: number
  readonly bytes: number
  readonly lastWrittenAt: Instant | undefined
  /** Archives of which commits may still be in the log. */
  readonly pending: number
}

export interface Removal {
  readonly places: readonly { readonly partition: Partition; readonly seq: number }[]
  /** One row a key at most. */
  readonly activity: readonly ActivityRow[]
}

/** How far readers of the log are that must have seen a commit before it goes. */
export interface ReaderCheckpoints {
  /** The least of all projections; undefined for a partition of which nothing is projected. */
  readonly projected: ReadonlyMap<Partition, number>
  readonly published: ReadonlyMap<Partition, number>
}

export interface RetentionRows {
  /** The namespaces that have tasks that are over. */
  namespaces(): Promise<readonly string[]>
  /** The tasks of a namespace that ended before an instant, oldest first, after a place in that order. */
  ended(namespace: string, before: Instant, after: EndedTask | undefined, limit: number): Promise<readonly EndedTask[]>
  readers(): Promise<ReaderCheckpoints>
  record(archive: WrittenArchive): Promise<void>
  /** Archives that `finish` was not told of, oldest first. */
  pending(): Promise<readonly Pick<WrittenArchive, 'name' | 'tasks'>[]>
  /** `busy` while the sums of hours are built anew. */
  remove(removal: Removal): Promise<'removed' | 'changed' | 'busy'>
  /** Nothing of the archive's tasks is left to remove. */
  finish(name: string): Promise<void>
  totals(): Promise<RetentionTotals>
  close(): Promise<void>
}
