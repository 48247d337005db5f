/** The life of one server process: its calls of ports go through here, and when it dies nothing of it is heard again. */
import type { Clock } from '@tasker/server/internal/engine/clock'
import type { CrashPoints } from './crash-points.js'
import type { Dice } from './dice.js'
import type { Weather } from './weather.js'

export interface LifeParts {
  readonly name: string
  readonly world: Clock
  readonly dice: Dice
  /** Of what concerns domain events alone. */
  readonly eventDice: Dice
  readonly weather: Weather
  readonly crashes: CrashPoints
  /** It died in a call of a port. */
  readonly crashed: (where: string) => void
}

export class Life {
  readonly parts: LifeParts
  #alive = true

  constructor(parts: LifeParts) {
    this.parts = parts
  }

  /** Nothing of a process that does not live is heard. */
  lives(): boolean {
    return this.#alive
  }

  end(): void {
    this.#alive = false
  }

  /** One call of a port by a process that lives; it may be its last. */
  async act<Answer>(call: string, effect: () => Promise<Answer>): Promise<Answer> {
    const moment = this.parts.crashes.at(call)
    if (moment === undefined) return effect()
    if (moment === 'after') await effect()
    return this.crash(call, moment)
  }

  /** A call that answers at once; a process that dies in it goes on to the end of its turn, and nothing of that is heard. */
  actNow<Answer>(call: string, effect: () => Answer): Answer {
    const moment = this.#alive ? this.parts.crashes.at(call) : undefined
    const answer = effect()
    if (moment !== undefined) this.#die(call, moment)
    return answer
  }

  /** Ends the process in a call of a port; what it waits for never comes. */
  crash<Answer>(call: string, moment: string): Promise<Answer> {
    this.#die(call, moment)
    return never()
  }

  #die(call: string, moment: string): void {
    if (!this.#alive) return
    this.#alive = false
    this.parts.weather.note(`crash in ${call}`, this.parts.name)
    this.parts.crashed(`${moment} the effect of ${call}`)
  }

  /** The clock as the process sees it: what it set is not called once it is dead. */
  clock(): Clock {
    const { world } = this.parts
    return {
      now: () => this.actNow('clock.now', () => world.now()),
      monotonicMs: () => this.actNow('clock.monotonicMs', () => world.monotonicMs()),
      after: (delayMs, call) => this.actNow('clock.after', () => world.after(delayMs, () => (this.#alive ? call() : undefined))),
    }
  }
}

/** What a dead process waits for. */
export const never = <T>(): Promise<T> => new Promise(() => undefined)
