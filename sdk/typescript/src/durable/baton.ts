/**
 * Whose turn it is: of all durable functions in a process, one runs at a time.
 *
 * B1  A turn lasts until nothing that it settled is left to follow. What is asked for in it is asked by the function whose turn it is.
 * B2  Turns are taken in the order in which they are asked for.
 * B3  So an operation that is asked for in nobody's turn comes from inside a step, or from a function that waited for something else.
 */
import type { Turns } from './port.js'

interface Turn {
  readonly holder: object
  readonly act: () => void
  readonly after: () => void
}

export class Baton {
  readonly #turns: Turns
  readonly #waiting: Turn[] = []
  #busy = false
  #holder: object | undefined
  #step: string | undefined

  constructor(turns: Turns) {
    this.#turns = turns
  }

  /** The function whose turn it is. */
  get holder(): object | undefined {
    return this.#holder
  }

  /** Whether anybody has a turn, or waits for one. */
  get isBusy(): boolean {
    return this.#busy
  }

  /** The step whose own function is being called right now. */
  get step(): string | undefined {
    return this.#step
  }

  /** `act` resumes the function; `after` is called when it rests, and may not resume it itself. */
  take(holder: object, act: () => void, after: () => void): void {
    this.#waiting.push({ holder, act, after })
    if (!this.#busy) this.#next()
  }

  /** The part of a step that runs at once is nobody's turn. */
  inside<T>(step: string, act: () => T): T {
    const before = this.#step
    this.#step = step
    try {
      return act()
    } finally {
      this.#step = before
    }
  }

  #next(): void {
    const turn = this.#waiting.shift()
    this.#busy = turn !== undefined
    if (turn === undefined) return
    this.#holder = turn.holder
    turn.act()
    this.#turns.rest(() => {
      this.#holder = undefined
      turn.after()
      this.#next()
    })
  }
}
