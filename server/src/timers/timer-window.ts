/** The wake-ups of tasks: those due soon in memory, the others in the `timer` rows. */
import { durationMs, type DurationMs, type Instant, instant, later, LIMITS, type TimerRow } from '@tasker/core'
import { inBackground } from '../background.js'
import type { Clock } from '../engine/clock.js'
import { fifo } from '../fifo.js'
import type { SourceTimers } from '../projections/projector.js'
import type { TimerWheel, WheelTimer } from './timer-wheel.js'

/** The window moves on this often; well within the horizon, so that a slow read is no late timer. */
const REFILL_EVERY_MS = durationMs(20_000)
/** A read that failed is tried again. */
const RETRY_MS = durationMs(500)
/** Times of attempts that are out are kept with their leases, and a `linked` row has no time. */
export const isWakeUp = ({ kind }: TimerRow): boolean => kind !== 'step_timeout' && kind !== 'heartbeat' && kind !== 'linked'

export interface TimerSource {
  /** Timers due before an instant as of the last durable commit, earliest first among those of the projection. */
  readonly timers: (dueBefore: Instant, limit: number) => Promise<SourceTimers>
}

interface DueTimer extends WheelTimer {
  readonly key: string
  readonly row: TimerRow
}

export interface TimerBounds {
  /** Timers in memory. */
  readonly timerWindowEntriesMax: number
  /** Timers that were fired and are not done. */
  readonly timersFiredMax: number
  /** Timers due within this span are in memory. */
  readonly timerHorizonMs: number
}

/**
 * The window rule for timers: what is due before `#reach` is in memory; what is due later is in the projection, or will be when the
 * projector has caught up, and the next refill brings it. When there are more than `timerWindowEntriesMax`, those that are due last are let go and
 * the window reaches less far. An entry is a hint: firing twice or late is harmless. What is due together fires in order, no more than
 * `timersFiredMax` at once, because each loads a task and appends a commit.
 */
export class TimerWindow {
  readonly #clock: Clock
  readonly #wheel: TimerWheel
  readonly #source: TimerSource
  readonly #fire: (row: TimerRow, done: () => void) => void
  readonly #bounds: TimerBounds
  readonly #armed = new Map<string, WheelTimer>()
  /** Those of them whose time came while as many as may be were fired. */
  readonly #due = fifo<DueTimer>()
  #fired = 0
  #firing = false
  #reach: Instant
  /** There are more within the horizon than are in memory. */
  #cut = false
  #stopRefill: (() => void) | undefined
  #refilling = false
  #stopped = false

  constructor(
    clock: Clock,
    wheel: TimerWheel,
    source: TimerSource,
    fire: (row: TimerRow, done: () => void) => void,
    bounds: TimerBounds = LIMITS,
  ) {
    this.#clock = clock
    this.#wheel = wheel
    this.#source = source
    this.#fire = fire
    this.#bounds = bounds
    this.#reach = clock.now()
  }

  get armed(): number {
    return this.#armed.size
  }

  get fired(): number {
    return this.#fired
  }

  /** A timer is durable. */
  add(row: TimerRow): void {
    // A wall clock that jumped ahead leaves the reach behind until the next refill; what is due soon by the new time is kept all the same.
    if (row.dueAt > this.#reach && (this.#cut || row.dueAt > this.#horizon())) return
    const key = `${row.taskId}/${row.kind}/${row.step ?? ''}`
    const known = this.#armed.get(key)
    if (known !== undefined) {
      if (known.dueAt === row.dueAt) return
      this.#wheel.remove(known)
    }
    const timer: DueTimer = { key, row, dueAt: row.dueAt, fire: () => this.#ripe(timer) }
    this.#armed.set(key, timer)
    this.#wheel.add(timer)
    if (this.#armed.size > this.#bounds.timerWindowEntriesMax) this.#shrink()
  }

  #ripe(timer: DueTimer): void {
    this.#due.push(timer)
    this.#fireDue()
  }

  /** One that is done at once is followed by the next in the same loop, not a call deeper. */
  #fireDue(): void {
    if (this.#firing) return
    this.#firing = true
    while (this.#fired < this.#bounds.timersFiredMax) {
      const timer = this.#due.shift()
      if (timer === undefined) break
      // Meanwhile it was let go, or set to another time.
      if (this.#armed.get(timer.key) !== timer) continue
      this.#armed.delete(timer.key)
      this.#fired++
      this.#fire(timer.row, () => this.#done())
    }
    this.#firing = false
  }

  #done(): void {
    this.#fired--
    if (!this.#stopped) this.#fireDue()
  }

  /** The half that is due last is let go. */
  #shrink(): void {
    const inOrder = [...this.#armed].sort(([, a], [, b]) => a.dueAt - b.dueAt)
    const dropped = inOrder.slice(this.#bounds.timerWindowEntriesMax >> 1)
    for (const [key, timer] of dropped) {
      this.#armed.delete(key)
      this.#wheel.remove(timer)
    }
    this.#cutAt(dropped[0]?.[1].dueAt)
  }

  /** Of what is due from here on some is in the projection only. */
  #cutAt(dueAt: Instant | undefined): void {
    if (dueAt === undefined) return
    if (!this.#cut) this.#refillIn(RETRY_MS)
    this.#cut = true
    this.#reach = instant(Math.min(this.#reach, dueAt - 1))
  }

  #horizon(): Instant {
    return later(this.#clock.now(), durationMs(this.#bounds.timerHorizonMs))
  }

  #refillIn(delayMs: DurationMs, use?: 'upkeep'): void {
    this.#stopRefill?.()
    if (!this.#stopped && !this.#refilling) this.#stopRefill = this.#clock.after(delayMs, () => inBackground(this.#refill()), use)
  }

  /** Loads what is due soon, and goes on doing so. */
  async start(): Promise<void> {
    await this.#refill()
  }

  stop(): void {
    this.#stopped = true
    this.#stopRefill?.()
  }

  /** A window that is cut moves on once it is nearly empty; one that is not, now and then. */
  async #refill(): Promise<void> {
    if (this.#cut && this.#armed.size > this.#bounds.timerWindowEntriesMax >> 2) return this.#refillIn(RETRY_MS)
    const before = { reach: this.#reach, cut: this.#cut }
    this.#refilling = true
    // From here on durable timers up to the new reach are kept; those that came before are in the rows or in their tail.
    this.#reach = this.#horizon()
    this.#cut = false
    let failed = false
    try {
      const { rows, cutAt } = await this.#source.timers(this.#reach, this.#bounds.timerWindowEntriesMax >> 1)
      for (const row of rows) if (isWakeUp(row)) this.add(row)
      this.#cutAt(cutAt)
    } catch {
      failed = true
      this.#reach = instant(Math.min(before.reach, this.#reach))
      this.#cut ||= before.cut
    }
    this.#refilling = false
    if (this.#cut || failed) this.#refillIn(RETRY_MS)
    else this.#refillIn(REFILL_EVERY_MS, 'upkeep')
  }
}
