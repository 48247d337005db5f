/** The steps of one fairness key in a window, in order of rank: all of them up to a horizon. */
import { compareRanked, type ReadyRow } from '@tasker/core'

/** Rows at the front that are gone are cut off the list when there are so many. */
const GONE_MAX = 1_024

export class Lane {
  #rows: ReadyRow[]
  /** Place of the first row that is still here. */
  #head = 0
  /** What comes after this row is in the projection only. */
  #horizon: ReadyRow | undefined
  /** So few rows left call for more. */
  #lengthLow: number

  /** Takes the list over; it is in order. */
  constructor(rows: ReadyRow[], horizon: ReadyRow | undefined) {
    this.#rows = rows
    this.#horizon = horizon
    this.#lengthLow = rows.length >> 2
  }

  /** The first `lengthMax` rows of a list in any order, which is complete up to a horizon. */
  static of(rows: readonly ReadyRow[], horizon: ReadyRow | undefined, lengthMax: number): Lane {
    const ordered = rows.toSorted(compareRanked)
    if (ordered.length <= lengthMax) return new Lane(ordered, horizon)
    const kept = ordered.slice(0, lengthMax)
    return new Lane(kept, kept.at(-1))
  }

  get length(): number {
    return this.#rows.length - this.#head
  }

  get first(): ReadyRow | undefined {
    return this.#rows[this.#head]
  }

  get #last(): ReadyRow | undefined {
    return this.length === 0 ? undefined : this.#rows.at(-1)
  }

  /** More of the key waits in the projection. */
  get cut(): boolean {
    return this.#horizon !== undefined
  }

  /** It runs out, and there is more. */
  get low(): boolean {
    return this.cut && this.length <= this.#lengthLow
  }

  rows(): readonly ReadyRow[] {
    return this.#head === 0 ? this.#rows : this.#rows.slice(this.#head)
  }

  isBeyond(row: ReadyRow): boolean {
    return this.#horizon !== undefined && compareRanked(row, this.#horizon) > 0
  }

  insert(row: ReadyRow): void {
    const last = this.#last
    if (last === undefined || compareRanked(last, row) < 0) {
      this.#rows.push(row)
      return
    }
    let low = this.#head
    let high = this.#rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#rows[middle]
      if (other !== undefined && compareRanked(other, row) < 0) low = middle + 1
      else high = middle
    }
    this.#rows.splice(low, 0, row)
  }

  shift(): void {
    this.#head++
    if (this.#head <= GONE_MAX || this.#head * 2 <= this.#rows.length) return
    this.#rows = this.#rows.slice(this.#head)
    this.#head = 0
  }

  /** The last rows leave, fewer than there are; what comes after those that stay is in the projection only. */
  drop(count: number): readonly ReadyRow[] {
    const dropped = this.#rows.splice(this.#rows.length - count)
    this.#horizon = this.#last
    this.#lengthLow = this.length >> 2
    return dropped
  }
}
