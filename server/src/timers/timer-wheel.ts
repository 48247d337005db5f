/** Many wake-ups on one clock: buckets of a few milliseconds, one sleep until the earliest. */
import { durationMs, type Instant } from '@tasker/core'
import type { Clock } from '../engine/clock.js'

export interface WheelBounds {
  /** Wake-ups within this span fire together, at its end at the latest. */
  readonly bucketMs: number
  /** The wall clock is read again at least this often, so that a jump is noticed. */
  readonly sleepMsMax: number
}

const BOUNDS: WheelBounds = { bucketMs: 8, sleepMsMax: 1_000 }

export interface WheelTimer {
  readonly dueAt: Instant
  readonly fire: () => void
}

/**
 * Hints, not promises: a timer fires once, at or after its instant by the wall clock. What it fires is a command that the decider
 * may refuse. Adding and removing cost one set operation.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #bounds: WheelBounds
  readonly #buckets = new Map<number, Set<WheelTimer>>()
  /** A binary heap of the keys that are or were in `#buckets`, each once. */
  readonly #order: number[] = []
  readonly #ordered = new Set<number>()
  #sleeping: { readonly bucket: number; readonly stop: () => void } | undefined
  #stopped = false

  constructor(clock: Clock, bounds = BOUNDS) {
    this.#clock = clock
    this.#bounds = bounds
  }

  add(timer: WheelTimer): void {
    const key = Math.ceil(timer.dueAt / this.#bounds.bucketMs)
    const bucket = this.#buckets.get(key)
    if (bucket !== undefined) {
      bucket.add(timer)
      return
    }
    this.#buckets.set(key, new Set([timer]))
    if (!this.#ordered.has(key)) {
      this.#ordered.add(key)
      push(this.#order, key)
    }
    if (this.#sleeping === undefined || key < this.#sleeping.bucket) this.#sleep()
  }

  remove(timer: WheelTimer): void {
    const key = Math.ceil(timer.dueAt / this.#bounds.bucketMs)
    const bucket = this.#buckets.get(key)
    // An emptied bucket costs no more than its number until its time comes.
    if (bucket?.delete(timer) === true && bucket.size === 0) this.#buckets.delete(key)
  }

  stop(): void {
    this.#stopped = true
    this.#sleeping?.stop()
    this.#sleeping = undefined
  }

  #sleep(): void {
    this.#sleeping?.stop()
    this.#sleeping = undefined
    const [first] = this.#order
    if (first === undefined || this.#stopped) return
    const delayMs = Math.min(this.#bounds.sleepMsMax, Math.max(0, first * this.#bounds.bucketMs - this.#clock.now()))
    this.#sleeping = { bucket: first, stop: this.#clock.after(durationMs(delayMs), () => this.#wake()) }
  }

  #wake(): void {
    this.#sleeping = undefined
    const due = Math.floor(this.#clock.now() / this.#bounds.bucketMs)
    for (let first = this.#order[0]; first !== undefined && first <= due; first = this.#order[0]) {
      pop(this.#order)
      this.#ordered.delete(first)
      const bucket = this.#buckets.get(first)
      this.#buckets.delete(first)
      for (const timer of bucket ?? []) timer.fire()
    }
    this.#sleep()
  }
}

const push = (heap: number[], value: number): void => {
  let at = heap.length
  heap.push(value)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || above <= value) break
    heap[at] = above
    at = parent
  }
  heap[at] = value
}

const pop = (heap: number[]): void => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    const left = heap[child]
    if (left === undefined) break
    const right = heap[child + 1]
    if (right !== undefined && right < left) child++
    const least = right !== undefined && right < left ? right : left
    if (least >= last) break
    heap[at] = least
    at = child
  }
  heap[at] = last
}
