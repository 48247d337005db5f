/** Tasks whose stream cannot be folded or decided: set aside one by one, said so, never in the way of others. */
import type { TaskId } from '@tasker/core'
import { Fault } from '../faults.js'
import type { StoredCommit } from '../log/port.js'

export interface QuarantinedStream {
  readonly taskId: TaskId
  /** Where the fold stopped, as `partition:seq` with the version, or the version a decision failed at. */
  readonly position: string
  readonly message: string
}

/** Quarantined streams remembered. */
export const QUARANTINED_MAX = 10_000

export class Quarantine {
  readonly #streams = new Map<TaskId, QuarantinedStream>()
  readonly #said: (stream: QuarantinedStream) => void

  constructor(said: (stream: QuarantinedStream) => void) {
    this.#said = said
  }

  list(): readonly QuarantinedStream[] {
    return [...this.#streams.values()]
  }

  get size(): number {
    return this.#streams.size
  }

  has(taskId: TaskId): boolean {
    return this.#streams.has(taskId)
  }

  add(taskId: TaskId, commit: StoredCommit, error: unknown): Fault {
    return this.#enter(taskId, `${commit.partition}:${commit.seq} (version ${commit.firstVersion})`, error)
  }

  addDecision(taskId: TaskId, version: number, error: unknown): Fault {
    return this.#enter(taskId, `version ${version}`, error)
  }

  faultOf(taskId: TaskId): Fault | undefined {
    const stream = this.#streams.get(taskId)
    return stream === undefined ? undefined : faultFor(stream)
  }

  #enter(taskId: TaskId, position: string, error: unknown): Fault {
    const stream = { taskId, position, message: error instanceof Error ? error.message : String(error) }
    if (!this.#streams.has(taskId)) {
      if (this.#streams.size >= QUARANTINED_MAX) this.#forgetOldest()
      this.#streams.set(taskId, stream)
      this.#said(stream)
    }
    return faultFor(stream)
  }

  /** Its next reader folds it again, and finds what was wrong again. */
  #forgetOldest(): void {
    const [oldest] = this.#streams.keys()
    if (oldest !== undefined) this.#streams.delete(oldest)
  }
}

const faultFor = (stream: QuarantinedStream): Fault =>
  new Fault({
    code: 'UNAVAILABLE',
    reason: 'STREAM_QUARANTINED',
    message: `task ${stream.taskId} is quarantined at ${stream.position}: ${stream.message}`,
    hint: 'its history is kept; run a program that knows the event, or report the bug, then restart the server',
    retryable: false,
    context: { task_id: stream.taskId, position: stream.position },
  })
