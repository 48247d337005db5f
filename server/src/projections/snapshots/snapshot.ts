/**
 * Snapshots: the state of a long task after one of its commits, so that loading it folds a tail and not its whole history.
 *
 * S1  A snapshot is used only if its schema is this program's and its hash is that of the commit it stands behind.
 * S2  Nothing that proves anything (audit, export, verify, history) reads one: they read the log.
 * S3  A snapshot that is missing, old, foreign or wrong costs time, never truth.
 */
import { LIMITS, type LiveTask, stateChars, type TaskId } from '@tasker/core'
import { STATE_SCHEMA, taskStateText } from './task-state-text.js'

export interface SnapshotRow {
  readonly taskId: TaskId
  /** Of the last event of the commit it stands behind. */
  readonly version: number
  readonly schema: string
  /** The hash of that commit. */
  readonly hash: Buffer
  readonly state: string
}

/** Undefined for a state that is too large to be written often. */
export const snapshotRow = (taskId: TaskId, state: LiveTask, version: number, hash: Buffer): SnapshotRow | undefined => {
  if (stateChars(state) > LIMITS.snapshotCharsMax) return undefined
  const text = taskStateText(state)
  return text.length > LIMITS.snapshotCharsMax ? undefined : { taskId, version, schema: STATE_SCHEMA, hash, state: text }
}
