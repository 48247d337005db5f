/** A clock that moves only when a test says so; promises settle between its steps. */
import { type DurationMs, instant, type Instant } from '@tasker/core'

interface Alarm {
  readonly atMs: number
  readonly order: number
  readonly call: () => void
  isSet: boolean
}

export class VirtualClock {
  #wallMs: number
  #monotonicMs = 0
  #order = 0
  #alarms = 0
  /** A binary heap, the next alarm first; those that were called off stay until it is their turn. */
  readonly #heap: Alarm[] = []

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = wallMs
  }

  now(): Instant {
    return instant(this.#wallMs)
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  after(delayMs: DurationMs, call: () => void): () => void {
    const alarm = { atMs: this.#monotonicMs + delayMs, order: this.#order++, call, isSet: true }
    push(this.#heap, alarm)
    this.#alarms++
    return () => this.#callOff(alarm)
  }

  /** The wall clock jumps; what waits is not moved. */
  jumpWall(byMs: number): void {
    this.#wallMs += byMs
  }

  /** The process does not run for a while: time passes, and the wake-ups on the way are called late, at the next advance. */
  freeze(forMs: number): void {
    this.#moveTo(this.#monotonicMs + forMs)
  }

  /** How many wake-ups are set. */
  get alarms(): number {
    return this.#alarms
  }

  /** Milliseconds until the next wake-up; undefined when none is set. */
  nextInMs(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : next.atMs - this.#monotonicMs
  }

  /** Time passes; each wake-up on the way is called at its moment, and promises settle after it. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#monotonicMs + byMs
    await microtasksDone()
    for (let next = this.#next(); next !== undefined && next.atMs <= untilMs; next = this.#next()) {
      this.#moveTo(Math.max(next.atMs, this.#monotonicMs))
      this.#callOff(next)
      next.call()
      await microtasksDone()
    }
    this.#moveTo(untilMs)
    await microtasksDone()
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }

  #callOff(alarm: Alarm): void {
    if (alarm.isSet) this.#alarms--
    alarm.isSet = false
  }

  #next(): Alarm | undefined {
    while (this.#heap[0]?.isSet === false) pop(this.#heap)
    return this.#heap[0]
  }
}

const isEarlier = (a: Alarm, b: Alarm): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

const push = (heap: Alarm[], alarm: Alarm): void => {
  let at = heap.length
  heap.push(alarm)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || isEarlier(above, alarm)) break
    heap[at] = above
    at = parent
  }
  heap[at] = alarm
}

const pop = (heap: Alarm[]): void => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    const [left, right] = [heap[child], heap[child + 1]]
    if (left === undefined) break
    if (right !== undefined && isEarlier(right, left)) child++
    const least = heap[child]
    if (least === undefined || isEarlier(last, least)) break
    heap[at] = least
    at = child
  }
  heap[at] = last
}

/** All microtasks that are due have run: ticks wait for them. Cheaper than a turn of the loop, of which a simulation would need thousands. */
const microtasksDone = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** The same, and a turn of the loop. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
