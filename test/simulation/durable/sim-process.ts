/** The process of a worker: its clock stands still while it is frozen, and ends with it. */
import { durationMs } from '@tasker/core'
import type { Clock } from '@tasker/sdk'
import type { VirtualClock } from '../../support/virtual-clock.js'
import type { Dice } from '../dice.js'

export class SimProcess {
  readonly #world: VirtualClock
  readonly #dice: Dice
  #lives = true
  #frozenUntilMs = 0

  constructor(world: VirtualClock, dice: Dice) {
    this.#world = world
    this.#dice = dice
  }

  get lives(): boolean {
    return this.#lives
  }

  /** What was set never comes. */
  end(): void {
    this.#lives = false
  }

  freeze(forMs: number): void {
    this.#frozenUntilMs = this.#world.monotonicMs() + forMs
  }

  /** At once, or when it goes on again; in order. Never, when it is dead. */
  whenItGoesOn(act: () => void): void {
    const frozenMs = this.#frozenUntilMs - this.#world.monotonicMs()
    if (!this.#lives) return
    if (frozenMs <= 0) act()
    else this.#world.after(durationMs(frozenMs), () => this.whenItGoesOn(act))
  }

  /** Real work, which takes so long. */
  work(forMs: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(forMs, resolve))
  }

  readonly clock: Clock = {
    nowMs: () => this.#world.monotonicMs(),
    after: (delayMs, callback) => {
      // It may be called off while it waits for the process to go on.
      let isWanted = true
      const stop = this.#world.after(durationMs(delayMs), () => this.whenItGoesOn(() => (isWanted ? callback() : undefined)))
      return () => {
        isWanted = false
        stop()
      }
    },
    every: (periodMs, callback) => {
      let stop = (): void => undefined
      const next = (): void => {
        stop = this.clock.after(periodMs, () => {
          next()
          callback()
        })
      }
      next()
      return () => stop()
    },
    endOfTurn: (callback) => process.nextTick(() => this.whenItGoesOn(callback)),
    draw: () => this.#dice.next(),
  }
}
