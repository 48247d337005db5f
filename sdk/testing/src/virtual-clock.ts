/** A clock that moves only when a test says so; promises settle between its steps. */
import { type DurationMs, instant, type Instant } from '@tasker/core'
import { type Alarm, AlarmHeap, isEarlier } from './alarm-heap.js'

export class VirtualClock {
  #wallMs: number
  #monotonicMs = 0
  #order = 0
  #alarms = 0
  readonly #wakeUps = new AlarmHeap()
  readonly #upkeep = new AlarmHeap()

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = wallMs
  }

  now(): Instant {
    return instant(this.#wallMs)
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  after(delayMs: DurationMs, call: () => void, use?: 'upkeep'): () => void {
    const alarm = { atMs: this.#monotonicMs + delayMs, order: this.#order++, call, isSet: true }
    const heap = use === 'upkeep' ? this.#upkeep : this.#wakeUps
    heap.add(alarm)
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
      this.#fire(next)
      await microtasksDone()
    }
    this.#moveTo(untilMs)
    await microtasksDone()
  }

  /** Milliseconds until something happens beside upkeep; undefined when nothing will. */
  nextWakeUpInMs(): number | undefined {
    const next = this.#wakeUps.first()
    return next === undefined ? undefined : Math.max(0, next.atMs - this.#monotonicMs)
  }

  /**
   * Time passes as in `advance`, but upkeep is called only where the clock stops anyway: once after each wake-up, and once at the end. `settle` lets
   * happen what follows from a call.
   */
  async leap(byMs: number, settle: () => Promise<void>): Promise<void> {
    const untilMs = this.#monotonicMs + byMs
    for (;;) {
      await settle()
      const next = this.#wakeUps.first()
      if (next !== undefined && next.atMs <= untilMs) {
        this.#fire(next)
        await settle()
        this.#keepUp()
      } else {
        this.#moveTo(untilMs)
        if (!this.#keepUp()) return
      }
    }
  }

  #fire(alarm: Alarm): void {
    this.#moveTo(Math.max(alarm.atMs, this.#monotonicMs))
    this.#callOff(alarm)
    alarm.call()
  }

  /** Calls what is due of the upkeep, and says whether anything was. */
  #keepUp(): boolean {
    let any = false
    for (let due = this.#upkeep.first(); due !== undefined && due.atMs <= this.#monotonicMs; due = this.#upkeep.first()) {
      any = true
      this.#fire(due)
    }
    return any
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
    const [wakeUp, upkeep] = [this.#wakeUps.first(), this.#upkeep.first()]
    if (wakeUp === undefined || upkeep === undefined) return wakeUp ?? upkeep
    return isEarlier(upkeep, wakeUp) ? upkeep : wakeUp
  }
}

/** All microtasks that are due have run: ticks wait for them. Cheaper than a turn of the loop, of which a simulation would need thousands. */
const microtasksDone = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** Kept from the start: a test may put timers of its own in the place of Node's. */
const afterTurn = setImmediate

/** The same, and a turn of the loop. */
export const settled = (): Promise<void> => new Promise((resolve) => afterTurn(resolve))
