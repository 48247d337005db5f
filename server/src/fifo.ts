/** First in, first out, at a constant cost however many wait. */

/** Room of items that left is given back once it is so many and half of all. */
const LEFT_MIN = 1_024

export class Fifo<T> {
  readonly #items: T[] = []
  #left = 0

  get size(): number {
    return this.#items.length - this.#left
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The item that waited longest; undefined when there is none. */
  shift(): T | undefined {
    const item = this.#items[this.#left]
    if (this.size === 0) return undefined
    this.#left++
    if (this.size === 0 || (this.#left >= LEFT_MIN && this.#left * 2 >= this.#items.length)) {
      this.#items.splice(0, this.#left)
      this.#left = 0
    }
    return item
  }
}
