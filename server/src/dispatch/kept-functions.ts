/**
 * Which worker keeps which suspended function in its memory (W24). A hint, of this server's run alone: a worker that lost what it kept asks for the
 * whole journal, and one that is not there is passed over.
 */
import { LIMITS, type TaskId, type WorkerId } from '@tasker/core'
import type { ToldJournal } from './worker.js'

export interface KeptFunction extends ToldJournal {
  readonly worker: WorkerId
}

export class KeptFunctions {
  /** The longest kept first. */
  readonly #kept = new Map<TaskId, KeptFunction>()
  readonly #max: number

  constructor(max: number = LIMITS.keptFunctionsMax) {
    this.#max = max
  }

  get size(): number {
    return this.#kept.size
  }

  /** Of more than are remembered the longest kept are forgotten. */
  keep(taskId: TaskId, kept: KeptFunction): void {
    this.#kept.delete(taskId)
    this.#kept.set(taskId, kept)
    if (this.#kept.size <= this.#max) return
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined) this.#kept.delete(oldest)
  }

  of(taskId: TaskId): KeptFunction | undefined {
    return this.#kept.get(taskId)
  }

  /** It runs again: what that worker kept is used now, or grows old. */
  take(taskId: TaskId): KeptFunction | undefined {
    const kept = this.#kept.get(taskId)
    this.#kept.delete(taskId)
    return kept
  }
}
