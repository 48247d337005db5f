/** The handlers that run, so that time stands still for them while they do what the clock does not know of. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { functionsAreBusy } from '@tasker/sdk/internal/runner/live-function'
import { settled } from './virtual-clock.js'

type Attempt = object

/** Kept from the start: a test may put timers of its own in the place of Node's. */
const { setTimeout, clearTimeout } = globalThis

export class RunningAttempts {
  readonly #msMax: number
  readonly #current = new AsyncLocalStorage<Attempt>()
  readonly #running = new Set<Attempt>()
  #waiting = 0
  #changed: () => void = () => undefined

  /** `msMax` is how long, in real time, the clock waits for them. */
  constructor(msMax: number) {
    this.#msMax = msMax
  }

  /** Runs a handler. */
  run(handler: () => unknown): unknown {
    const attempt: Attempt = {}
    this.#running.add(attempt)
    let returned: unknown
    try {
      returned = this.#current.run(attempt, handler)
    } catch (error) {
      this.#leave(attempt)
      throw error
    }
    if (!(returned instanceof Promise)) {
      this.#leave(attempt)
      return returned
    }
    return returned.finally(() => this.#leave(attempt))
  }

  /** The handler that calls waits for the clock until the promise is there. */
  async waitsForTime(wakeUp: Promise<void>): Promise<void> {
    const attempt = this.#current.getStore()
    if (attempt === undefined || !this.#running.has(attempt)) return wakeUp
    this.#waiting++
    this.#leave(attempt)
    try {
      await wakeUp
    } finally {
      this.#waiting--
      this.#running.add(attempt)
    }
  }

  /** Nobody waits for those that run now. */
  forget(): void {
    this.#running.clear()
    this.#changed()
  }

  /** Everything has happened that needs no time. A handler that runs on for too long is not waited for again. */
  async quiet(): Promise<void> {
    await functionsRest()
    if (this.#running.size === 0) return this.#followNobody()
    const late = setTimeout(() => this.forget(), this.#msMax)
    while (this.#running.size > 0) {
      await new Promise<void>((resolve) => (this.#changed = resolve))
      await functionsRest()
    }
    clearTimeout(late)
  }

  /** Following handlers makes every promise of the process slower. */
  #followNobody(): void {
    if (this.#waiting === 0) this.#current.disable()
  }

  #leave(attempt: Attempt): void {
    if (this.#running.delete(attempt)) this.#changed()
  }
}

/** A function takes a turn of the loop for each of its own. */
const functionsRest = async (): Promise<void> => {
  do await settled()
  while (functionsAreBusy())
}
