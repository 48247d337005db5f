/** The wake-ups of tasks: those due soon in memory, the others in the `timer` rows. */
import { durationMs, type Instant, later, type TimerRow } from '@tasker/core'
import { inBackground } from '../background.js'
import type { Clock } from '../engine/clock.js'
import type { SourceRows } from '../projections/projector.js'
import type { TimerWheel, WheelTimer } from './timer-wheel.js'

/** Timers due within this span are in memory. */
const HORIZON_MS = durationMs(60_000)
/** The window moves on this often; well within the horizon, so that a slow read is no late timer. */
const REFILL_EVERY_MS = durationMs(20_000)
/** A read that failed is tried again. */
const RETRY_MS = durationMs(500)
/** Timers of one refill; when there are more, the window reaches only as far as they do. */
const REFILL_ROWS_MAX = 50_000

/** Times of attempts that are out are kept with their leases. */
export const isWakeUp = ({ kind }: TimerRow): boolean => kind !== 'step_timeout' && kind !== 'heartbeat'

export interface TimerSource {
  /** Timers due before an instant as of the last durable commit, earliest first among those of the projection. */
  readonly timers: (dueBefore: Instant, limit: number) => Promise<SourceRows<TimerRow>>
}

/**
 * The window rule for timers: what is due before `#reach` is in memory; what is due later is in the projection, or will be when the
 * projector has caught up, and the next refill brings it. An entry is a hint: firing twice or late is harmless.
 */
export class TimerWindow {
  readonly #clock: Clock
  readonly #wheel: TimerWheel
  readonly #source: TimerSource
  readonly #fire: (row: TimerRow) => void
  readonly #armed = new Map<string, WheelTimer>()
  #reach: Instant
  #stopRefill: (() => void) | undefined
  #stopped = false

  constructor(clock: Clock, wheel: TimerWheel, source: TimerSource, fire: (row: TimerRow) => void) {
    this.#clock = clock
    this.#wheel = wheel
    this.#source = source
    this.#fire = fire
    this.#reach = clock.now()
  }

  get armed(): number {
    return this.#armed.size
  }

  /** A timer is durable. */
  add(row: TimerRow): void {
    // A wall clock that jumped ahead leaves the reach behind until the next refill; what is due soon by the new time is kept all the same.
    if (row.dueAt > this.#reach && row.dueAt > later(this.#clock.now(), HORIZON_MS)) return
    const key = `${row.taskId}/${row.kind}/${row.step ?? ''}`
    const known = this.#armed.get(key)
    if (known !== undefined) {
      if (known.dueAt === row.dueAt) return
      this.#wheel.remove(known)
    }
    const timer: WheelTimer = {
      dueAt: row.dueAt,
      fire: () => {
        this.#armed.delete(key)
        this.#fire(row)
      },
    }
    this.#armed.set(key, timer)
    this.#wheel.add(timer)
  }

  /** Loads what is due soon, and goes on doing so. */
  async start(): Promise<void> {
    await this.#refill()
  }

  stop(): void {
    this.#stopped = true
    this.#stopRefill?.()
  }

  async #refill(): Promise<void> {
    const reach = later(this.#clock.now(), HORIZON_MS)
    const before = this.#reach
    // From here on durable timers up to the new reach are kept; those that came before are in the rows or in their tail.
    this.#reach = reach
    let again = REFILL_EVERY_MS
    try {
      const { rows, more } = await this.#source.timers(reach, REFILL_ROWS_MAX)
      for (const row of rows) if (isWakeUp(row)) this.add(row)
      if (more) again = RETRY_MS
    } catch {
      this.#reach = before
      again = RETRY_MS
    }
    if (this.#stopped) return
    this.#stopRefill = this.#clock.after(again, () => inBackground(this.#refill()))
  }
}
