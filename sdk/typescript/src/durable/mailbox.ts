/**
 * Signals on their way to who waits for them.
 *
 * M1  A signal that nobody waits for is kept, so one that came early is not lost.
 * M2  Signals of a name are taken in the order in which they came, by those who wait in the order in which they began to.
 * M3  A signal is taken once. What a condition is false for is left to others.
 */

export interface Waiter {
  readonly name: string
  readonly wants: (payload: unknown) => boolean
  readonly take: (payload: unknown) => void
}

export interface Letter {
  readonly number: number
  readonly payload: unknown
}

export class Mailbox {
  /** By name, the signals that nobody took. */
  readonly #unread = new Map<string, Letter[]>()
  readonly #waiters = new Map<string, Set<Waiter>>()

  /** Takes the first that fits at once, or waits. Gives the way to wait no more. */
  wait(waiter: Waiter): () => void {
    const unread = this.#unread.get(waiter.name) ?? []
    const place = unread.findIndex(({ payload }) => waiter.wants(payload))
    const [letter] = place >= 0 ? unread.splice(place, 1) : []
    if (letter !== undefined) {
      waiter.take(letter.payload)
      return () => undefined
    }
    const waiting = this.#waiters.get(waiter.name) ?? new Set()
    this.#waiters.set(waiter.name, waiting.add(waiter))
    return () => {
      waiting.delete(waiter)
    }
  }

  put(name: string, letter: Letter): void {
    const { payload } = letter
    const waiting = this.#waiters.get(name) ?? new Set()
    for (const waiter of waiting) {
      if (!waiter.wants(payload)) continue
      waiting.delete(waiter)
      return waiter.take(payload)
    }
    const unread = this.#unread.get(name) ?? []
    unread.push(letter)
    this.#unread.set(name, unread)
  }

  /** The numbers of the signals that nobody took, ascending. */
  get unread(): readonly number[] {
    return [...this.#unread.values()].flatMap((letters) => letters.map(({ number }) => number)).sort((a, b) => a - b)
  }
}
