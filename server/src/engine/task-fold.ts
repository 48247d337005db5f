/** A task's stream folded commit by commit, from its beginning or from a snapshot. */
import {
  archivedTask,
  evolve,
  latest,
  NO_TASK,
  type Plan,
  type TaskState,
  type TemplateHash,
  instant,
  type Instant,
} from '@tasker/core'
import { decodeTaskEvents } from '../log/codec.js'
import { NO_PREVIOUS_HASH } from '../log/commit-hash.js'
import { type StoredCommit, TASK_ARCHIVED } from '../log/port.js'
import type { SnapshotRow } from '../projections/snapshots/snapshot.js'
import { parseTaskState, STATE_SCHEMA } from '../projections/snapshots/task-state-text.js'

export type PlanSource = (hash: TemplateHash) => Plan | undefined

/** The commit at which a fold stopped, and why. */
export class FoldError extends Error {
  override readonly name = 'FoldError'
  readonly commit: StoredCommit

  constructor(commit: StoredCommit, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.commit = commit
  }
}

export class TaskFold {
  readonly #plans: PlanSource
  #plan: Plan | undefined
  state: TaskState = NO_TASK
  version = 0
  lastHash: Buffer = NO_PREVIOUS_HASH
  lastAt: Instant = instant(0)

  constructor(plans: PlanSource) {
    this.#plans = plans
  }

  /**
   * Goes on from a snapshot (S1): `commit` is the one at its version. Undefined when the two do not belong together, or the text is not to be read:
   * then the history is folded from its start.
   */
  static from(snapshot: SnapshotRow, commit: StoredCommit | undefined, plans: PlanSource): TaskFold | undefined {
    if (snapshot.schema !== STATE_SCHEMA || commit === undefined) return undefined
    if (lastVersionOf(commit) !== snapshot.version || !commit.hash.equals(snapshot.hash)) return undefined
    const fold = new TaskFold(plans)
    try {
      const state = parseTaskState(snapshot.state, plans)
      fold.state = state
      fold.#plan = state.plan
    } catch {
      return undefined
    }
    fold.version = snapshot.version
    fold.lastHash = commit.hash
    fold.lastAt = commit.at
    return fold
  }

  /** Throws a `FoldError`. */
  add(commit: StoredCommit): void {
    try {
      this.#add(commit)
    } catch (error) {
      throw new FoldError(commit, error)
    }
  }

  #add(commit: StoredCommit): void {
    const events = decodeTaskEvents(commit)
    const [first] = events
    // Of what came before it some may be gone (L3).
    if (first?.event.type === TASK_ARCHIVED) {
      this.state = archivedTask(first.event, commit.at)
      return
    }
    if (commit.firstVersion !== this.version + 1)
      throw new Error(`its history goes from version ${this.version} to ${commit.firstVersion}`)
    for (const { event } of events) {
      if (event.type === 'task.submitted') this.#plan = this.#plans(event.templateHash)
      if (this.#plan === undefined) throw new Error('its template is not in the log')
      this.state = evolve(this.state, event, commit.at, this.#plan)
      this.version++
    }
    this.lastHash = commit.hash
    this.lastAt = latest(this.lastAt, commit.at)
  }
}

const lastVersionOf = ({ firstVersion, types }: StoredCommit): number => firstVersion + types.length - 1
