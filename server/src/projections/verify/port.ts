/**
 * Projected rows as an auditor reads them: each answer out of one snapshot with the checkpoints it belongs to, so that rows that lag behind
 * the log are compared with the log as it was.
 */
import type { ActivityRow, Partition, TaskId } from '@tasker/core'
import type { StoredCommit } from '../../log/port.js'
import type { ProjectionName } from '../fold/names.js'
import type { RowRecord } from '../tables/projected-table.js'

/** Projections whose rows are those of one task. */
export const TASK_TABLES = ['task', 'ready_step', 'timer', 'dead_letter'] as const

export interface StreamPage {
  /** The next streams of the log, in order of their ids. */
  readonly ids: readonly string[]
  /** The last of them; undefined when there are no more, and the rows are those of every id behind. */
  readonly upTo: string | undefined
  readonly checkpoints: ReadonlyMap<Partition, number>
}

export interface TaskPage extends StreamPage {
  /** All rows of the ids from the page before to `upTo`, whether there is a stream or not. */
  readonly rows: Readonly<Record<(typeof TASK_TABLES)[number], readonly RowRecord[]>>
}

/** Rows of streams that are known by their names: keys and schedules. */
export interface NamedPage extends StreamPage {
  /** The rows of these streams. */
  readonly rows: readonly RowRecord[]
}

export interface IdentityHolder {
  readonly scope: string
  readonly taskId: TaskId | undefined
  /** The task's first commit, where it has one still. */
  readonly first: StoredCommit | undefined
}

export interface ActivityRows {
  readonly rows: readonly RowRecord[]
  /** What commits added that went from the log with archived tasks. */
  readonly archived: readonly ActivityRow[]
  readonly checkpoints: ReadonlyMap<Partition, number>
}

export interface StoredRows {
  tasks(after: string, limit: number): Promise<TaskPage>
  keys(after: string, limit: number): Promise<NamedPage>
  /** Rows of keys that have no stream, some of them. */
  strayKeys(): Promise<readonly RowRecord[]>
  schedules(after: string, limit: number): Promise<NamedPage>
  /** Rows of schedules that have no stream, some of them. */
  straySchedules(): Promise<readonly RowRecord[]>
  /** Who holds these scopes. */
  holders(scopes: readonly string[]): Promise<readonly IdentityHolder[]>
  /** Who holds the scopes after one, in their order. */
  holdersAfter(scope: string, limit: number): Promise<readonly IdentityHolder[]>
  /** How many rows of `activity` each hour has, in order. */
  activityHours(): Promise<readonly { readonly hourMs: number; readonly rows: number }[]>
  activity(fromMs: number, beforeMs: number): Promise<ActivityRows>
  /** How many commits have gone from the log with archived tasks. */
  archivedCommits(): Promise<number>
  close(): Promise<void>
}

/** Where a row is not what the log says. */
export interface RowDifference {
  readonly projection: ProjectionName
  /** `missing`: the log has it and the table has not. `unexpected`: the other way round. `changed`: a column is another. */
  readonly kind: 'missing' | 'unexpected' | 'changed'
  /** The row, by the columns of its key. */
  readonly row: RowRecord
  /** Of what is `changed`. */
  readonly column: string | undefined
  readonly expected: string | undefined
  readonly found: string | undefined
  /** The version of the stream the row should be at, where it is one stream's. */
  readonly version: number | undefined
}
