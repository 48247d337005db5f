/**
 * Functions that are suspended and stay in memory for a while.
 *
 * K1  All of them together have no more bytes than the bound; whoever waits longest goes first.
 * K2  One that nobody wanted for a while goes: a function that is asleep leaves nothing in its worker.
 * K3  What is gone is replayed when it is wanted: keeping changes nothing but speed.
 */
import type { Clock } from '../clock.js'
import type { LiveFunction } from './live-function.js'

interface Kept {
  readonly live: LiveFunction
  readonly untilMs: number
}

export class KeptFunctions {
  readonly #bytesMax: number
  readonly #keepMs: number
  readonly #clock: Clock
  /** By task, the longest kept first. */
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  constructor(bytesMax: number, keepMs: number, clock: Clock) {
    this.#bytesMax = bytesMax
    this.#keepMs = keepMs
    this.#clock = clock
  }

  get size(): number {
    return this.#kept.size
  }

  /** Whether one of that size would be kept. */
  wouldKeep({ bytes }: LiveFunction): boolean {
    return this.#keepMs > 0 && bytes <= this.#bytesMax
  }

  keep(live: LiveFunction): void {
    const { taskId } = live.beginning
    this.drop(taskId)
    live.held(undefined)
    this.#kept.set(taskId, { live, untilMs: this.#clock.nowMs() + this.#keepMs })
    this.#bytes += live.bytes
    for (const [oldest] of this.#kept) {
      if (this.#bytes <= this.#bytesMax) return
      this.drop(oldest)
    }
  }

  /** Gives the function of a task, if it is kept in that life with so many entries, and keeps it no more. */
  take(taskId: string, life: number, length: number): LiveFunction | undefined {
    const kept = this.#kept.get(taskId)
    if (kept === undefined) return undefined
    this.#forget(taskId, kept.live)
    const { live } = kept
    if (live.beginning.life === life && live.length >= length && !live.isWorthless) return live
    live.stop()
    return undefined
  }

  drop(taskId: string): void {
    const kept = this.#kept.get(taskId)
    if (kept === undefined) return
    this.#forget(taskId, kept.live)
    kept.live.stop()
  }

  /** K2. */
  sweep(nowMs: number): void {
    for (const [taskId, { untilMs }] of this.#kept) {
      if (untilMs > nowMs) return
      this.drop(taskId)
    }
  }

  clear(): void {
    for (const taskId of [...this.#kept.keys()]) this.drop(taskId)
  }

  #forget(taskId: string, live: LiveFunction): void {
    this.#kept.delete(taskId)
    this.#bytes -= live.bytes
  }
}
