/** What the front doors may ask of retention. */
import type { Instant, JsonText, TaskId } from '@tasker/core'
import type { HeldTasks } from './parts.js'

export interface RetentionStatus {
  readonly place: string
  /** By namespace; what nothing is said of is kept for ever. */
  readonly namespaces: readonly NamespaceRetention[]
  readonly archives: number
  readonly tasks: number
  readonly bytes: number
  /** Archives of which commits may still be in the log. */
  readonly pendingArchives: number
  readonly lastWrittenAt: Instant | undefined
  readonly lastPass: PassReport | undefined
  readonly running: boolean
  /** Why the last pass ended early; undefined when all is well. */
  readonly problem: string | undefined
}

export interface NamespaceRetention {
  readonly namespace: string
  /** Undefined when its tasks are kept for ever. */
  readonly ageMs: number | undefined
  /** When the oldest of its tasks that are over ended. */
  readonly oldestEndedAt: Instant
  readonly due: boolean
}

export interface PassReport {
  readonly startedAt: Instant
  readonly endedAt: Instant | undefined
  /** Tasks that it archived. */
  readonly tasks: number
  readonly held: HeldTasks
}

export interface RetentionDoor {
  status(): Promise<RetentionStatus>
  /** A pass now, or the one that is under way; comes back when it has ended, or after a while. Throws what stopped it. */
  run(waitMsMax: number): Promise<RetentionStatus>
  /** The task as JSON, out of its archive; undefined when no archive holds it. Throws a `Fault` when its archive cannot be read. */
  find(taskId: TaskId): Promise<JsonText | undefined>
  /** How long the oldest task that is due has been, as the last pass saw it, and why the pass ended early. */
  health(): { readonly lagMs: number; readonly problem: string | undefined }
}
