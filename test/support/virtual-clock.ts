/** A clock that moves only when a test says so; promises settle between its steps. */
import { type DurationMs, instant, type Instant } from '@tasker/core'

interface Alarm {
  readonly atMs: number
  readonly order: number
  readonly call: () => void
}

export class VirtualClock {
  #wallMs: number
  #monotonicMs = 0
  #order = 0
  readonly #alarms = new Set<Alarm>()

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
    const alarm = { atMs: this.#monotonicMs + delayMs, order: this.#order++, call }
    this.#alarms.add(alarm)
    return () => this.#alarms.delete(alarm)
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
    return this.#alarms.size
  }

  /** Milliseconds until the next wake-up; undefined when none is set. */
  nextInMs(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : next.atMs - this.#monotonicMs
  }

  /** Time passes; each wake-up on the way is called at its moment, and promises settle after it. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#monotonicMs + byMs
    await settled()
    for (let next = this.#next(); next !== undefined && next.atMs <= untilMs; next = this.#next()) {
      this.#moveTo(Math.max(next.atMs, this.#monotonicMs))
      this.#alarms.delete(next)
      next.call()
      await settled()
    }
    this.#moveTo(untilMs)
    await settled()
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }

  #next(): Alarm | undefined {
    let first: Alarm | undefined
    for (const alarm of this.#alarms) {
      if (first === undefined || alarm.atMs < first.atMs || (alarm.atMs === first.atMs && alarm.order < first.order))
        first = alarm
    }
    return first
  }
}

/** All microtasks that are due have run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
