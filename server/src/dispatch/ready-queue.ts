/** The steps that wait in one queue: a window on them in memory, the rest in the `ready_step` rows. */
import type { ReadyRow } from '@tasker/core'
import type { QueueRequest, QueueScan } from '../projections/queue-scan.js'
import { Lane } from './lane.js'

/** Fairness keys in the window at once. With more, the window holds one step of each and moves on through the keys. */
export const WINDOW_KEYS_MAX = 2_000

/**
 * A window on a queue. Order: fairness keys take turns; the steps of one key go by rank, which is priority with ageing.
 *
 * R1  An entry is a hint: it may be there twice or late, the decider refuses what is not ready any more.
 * R2  What does not fit is forgotten here and remembered as `truncated`: its row is in the projection, or will be when the
 *     projector has caught up. A refill brings it back.
 * R3  Of each key the window holds all steps up to a horizon, so that the first one here is the first one there is; a step behind the
 *     horizon waits for the refill that moves it.
 */
export class ReadyQueue {
  readonly #sizeMax: number
  /** By fairness key; who comes first has the next turn. */
  readonly #lanes = new Map<string, Lane>()
  readonly #entries = new Set<string>()
  /** Every key that has waiting steps has a lane. */
  #keysKnown = true
  /** The key after which the next refill of some of the keys begins. */
  #cursor: string | undefined
  /** Below this a window of some of the keys asks for others. */
  #sizeLow = 0
  /** A lane runs out of what the projection has more of. */
  #hungry = false
  /** Entries that are known to wait in the projection only; an estimate once a refill found more than it could take. */
  #beyond = 0

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return this.#entries.size
  }

  /** More waits in the projection than the window holds. */
  get truncated(): boolean {
    return this.#beyond > 0
  }

  /** All that wait, in the window and beyond it. */
  get waiting(): number {
    return this.size + this.#beyond
  }

  /** The window should be refilled before it is empty. */
  get low(): boolean {
    if (!this.truncated) return false
    return this.#hungry || this.size === 0 || (!this.#keysKnown && this.size <= this.#sizeLow)
  }

  /** The next entry, left in place. */
  peek(): ReadyRow | undefined {
    for (const lane of this.#lanes.values()) if (lane.first !== undefined) return lane.first
    return undefined
  }

  add(row: ReadyRow): void {
    const entry = entryKey(row)
    if (this.#entries.has(entry)) return
    let lane = this.#lanes.get(row.fairnessKey)
    if (lane === undefined ? !this.#keysKnown : lane.isBeyond(row)) {
      this.#beyond++
      return
    }
    if (lane === undefined) {
      lane = new Lane([], undefined)
      this.#lanes.set(row.fairnessKey, lane)
    }
    lane.insert(row)
    this.#entries.add(entry)
    if (this.size > this.#sizeMax) this.#shrink(lane, row)
  }

  take(): ReadyRow | undefined {
    const row = this.peek()
    const lane = row === undefined ? undefined : this.#lanes.get(row.fairnessKey)
    if (row === undefined || lane === undefined) return undefined
    lane.shift()
    this.#entries.delete(entryKey(row))
    if (lane.low && this.#keysKnown) this.#hungry = true
    this.#turnOver(row.fairnessKey, lane)
    return row
  }

  /** A step of this key started without waiting here: it had the key's turn. */
  passed(fairnessKey: string): void {
    const lane = this.#lanes.get(fairnessKey)
    if (lane !== undefined) this.#turnOver(fairnessKey, lane)
  }

  /** What the next refill should read. */
  request(): QueueRequest {
    const after = this.#keysKnown ? undefined : this.#cursor
    return { after, keysMax: WINDOW_KEYS_MAX, rowsMax: this.#sizeMax }
  }

  /** What the projection and its tail hold of the keys that were asked for. */
  refilled(scan: QueueScan): void {
    const before = this.waiting
    this.#forget(scan)
    const capacity = Math.max(1, Math.floor(this.#sizeMax / Math.max(1, scan.lanes.size)))
    let { upTo } = scan
    let last = scan.after
    let cut = false
    this.#hungry = false
    for (const [key, { rows, horizon }] of scan.lanes) {
      if (this.size >= this.#sizeMax) {
        upTo = last
        break
      }
      const lane = Lane.of(rows, horizon, capacity)
      this.#lanes.set(key, lane)
      for (const row of lane.rows()) this.#entries.add(entryKey(row))
      cut ||= lane.cut
      this.#hungry ||= lane.cut && lane.length === 0
      last = key
    }
    this.#keysKnown = scan.after === undefined && upTo === undefined
    this.#cursor = upTo
    this.#sizeLow = this.size >> 2
    this.#beyond = this.#keysKnown && !cut ? 0 : Math.max(1, before - this.size)
  }

  /** How many have their turn before an entry of the window does; undefined for one that is not in it. */
  ahead(row: ReadyRow): number | undefined {
    const own =
      this.#lanes
        .get(row.fairnessKey)
        ?.rows()
        .findIndex((other) => entryKey(other) === entryKey(row)) ?? -1
    if (own === -1) return undefined
    let ahead = own
    let before = true
    for (const [key, lane] of this.#lanes) {
      if (key === row.fairnessKey) before = false
      else ahead += Math.min(lane.length, before ? own + 1 : own)
    }
    return ahead
  }

  /** So many entries wait in the projection, and none of them is in the window. */
  beyond(count: number): void {
    this.#beyond = count
    this.#keysKnown = count === 0
  }

  /** Lanes that the scan says anew; one that stays keeps its turn. */
  #forget({ lanes, includes }: QueueScan): void {
    for (const [key, lane] of this.#lanes) {
      if (!includes(key)) continue
      for (const row of lane.rows()) this.#entries.delete(entryKey(row))
      if (!lanes.has(key)) this.#lanes.delete(key)
    }
  }

  /** The next key has its turn; one of which nothing waits has none. */
  #turnOver(key: string, lane: Lane): void {
    const over = lane.first === undefined && (!lane.cut || !this.#keysKnown)
    if (!over && this.#lanes.size === 1) return
    this.#lanes.delete(key)
    if (!over) this.#lanes.set(key, lane)
  }

  /** The last steps of the longest lane go. Where nobody has more than one, the key of the step that came waits for a later refill. */
  #shrink(lane: Lane, { fairnessKey }: ReadyRow): void {
    let longest = lane
    for (const other of this.#lanes.values()) if (other.length > longest.length) longest = other
    let dropped = lane.rows()
    if (longest.length > 1) dropped = longest.drop(longest === lane ? 1 : longest.length >> 1)
    else {
      this.#lanes.delete(fairnessKey)
      this.#keysKnown = false
      this.#sizeLow = this.size >> 2
    }
    for (const row of dropped) this.#entries.delete(entryKey(row))
    this.#beyond += dropped.length
  }
}

const entryKey = (row: ReadyRow): string => `${row.taskId}/${row.step}/${row.attempt}`
