/** Who turns the clock: one at a time, and a wait for a result whenever nobody else does. */
import { settled, type VirtualClock } from './virtual-clock.js'
import { runsOn } from './standstill.js'

/** What a wait for a result may take before it is given up. */
const WAIT = { wakeUpsMax: 100_000, daysMax: 36_525 } as const
const DAY_MS = 86_400_000

export class Time {
  readonly #clock: VirtualClock
  readonly #quiet: () => Promise<void>
  /** The move of the moment. */
  #move: Promise<unknown> | undefined

  /** `quiet` resolves when everything has happened that needs no time. */
  constructor(clock: VirtualClock, quiet: () => Promise<void>) {
    this.#clock = clock
    this.#quiet = quiet
  }

  /** Lets time pass, after whoever lets it pass now. */
  leap(byMs: number): Promise<void> {
    return this.alone(() => this.#clock.leap(byMs, this.#quiet))
  }

  /** Nobody else turns the clock meanwhile. */
  async alone<T>(act: () => Promise<T>): Promise<T> {
    while (this.#move !== undefined) await this.#move
    const acting = act()
    this.#move = acting.then(noMore, noMore)
    try {
      return await acting
    } finally {
      this.#move = undefined
    }
  }

  /**
   * Lets time pass from wake-up to wake-up until `isOver`; false when there is no wake-up any more. What the test does itself goes first: it is
   * looked for a turn of the loop long after each move.
   */
  async passUntil(isOver: () => boolean, taskId: string): Promise<boolean> {
    const beganMs = this.#clock.monotonicMs()
    for (let wakeUps = 0; ; ) {
      await this.#move
      await settled()
      if (this.#isMoving()) continue
      await this.#quiet()
      if (isOver()) return true
      if (this.#isMoving()) continue
      const inMs = this.#clock.nextWakeUpInMs()
      if (inMs === undefined) return false
      const days = Math.floor((this.#clock.monotonicMs() - beganMs) / DAY_MS)
      if (wakeUps >= WAIT.wakeUpsMax || days >= WAIT.daysMax) throw runsOn(taskId, wakeUps, days)
      wakeUps++
      await this.leap(inMs)
    }
  }

  #isMoving(): boolean {
    return this.#move !== undefined
  }
}

const noMore = (): void => undefined
