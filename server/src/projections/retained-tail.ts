/** What was just projected, kept until every read that began before has ended: the window rule's guard against rows seen by neither side. */

/**
 * A refill reads rows from the store and adds what is not projected yet. A row that is projected while the read is under way would be in
 * neither; so what leaves the unprojected set stays here while reads that started earlier hold it.
 */
export class RetainedTail<Entry> {
  readonly #holds = new Set<number>()
  #nextHold = 1
  #retained: { readonly entry: Entry; readonly lastHold: number }[] = []

  /** Call before the read; call the result after using `entries`. */
  hold(): () => void {
    const hold = this.#nextHold++
    this.#holds.add(hold)
    return () => {
      this.#holds.delete(hold)
      this.#drop()
    }
  }

  /** These entries are in the store from now on. */
  retire(entries: Iterable<Entry>): void {
    if (this.#holds.size === 0) return
    const lastHold = this.#nextHold - 1
    for (const entry of entries) this.#retained.push({ entry, lastHold })
  }

  *entries(): Iterable<Entry> {
    for (const { entry } of this.#retained) yield entry
  }

  #drop(): void {
    const [oldest] = this.#holds
    if (oldest === undefined) this.#retained = []
    else this.#retained = this.#retained.filter(({ lastHold }) => lastHold >= oldest)
  }
}
