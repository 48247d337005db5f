/** The steps of one handler that wait for a worker: the front of the queue in memory, the rest in the `ready_step` rows. */
import type { ReadyRow } from '@tasker/core'

/**
 * A window on a queue. Order: higher priority first, then first come.
 *
 * R1  An entry is a hint: it may be there twice or late, the decider refuses what is not ready any more.
 * R2  What does not fit is forgotten here and remembered as `truncated`: its row is in the projection, or will be when the
 *     projector has caught up. A refill brings it back.
 */
export class ReadyQueue {
  readonly #sizeMax: number
  /** By priority; each list is consumed from `head` on. */
  readonly #lanes = new Map<number, { entries: (ReadyRow | undefined)[]; head: number }>()
  /** Priorities in use, highest first. */
  #priorities: number[] = []
  readonly #keys = new Set<string>()
  /** Entries that are known to wait in the projection only; an estimate once a refill found more than it could take. */
  #beyond = 0

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return this.#keys.size
  }

  /** More waits in the projection than the window holds. */
  get truncated(): boolean {
    return this.#beyond > 0
  }

  /** All that wait, in the window and beyond it. */
  get waiting(): number {
    return this.size + this.#beyond
  }

  /** The first entry, left in place. */
  peek(): ReadyRow | undefined {
    for (const priority of this.#priorities) {
      const lane = this.#lanes.get(priority)
      const entry = lane?.entries[lane.head]
      if (entry !== undefined) return entry
    }
    return undefined
  }

  add(row: ReadyRow): void {
    const key = entryKey(row)
    if (this.#keys.has(key)) return
    if (this.size >= this.#sizeMax) {
      this.#beyond++
      if (row.priority <= this.#lowest()) return
      this.#dropLast()
    }
    this.#keys.add(key)
    this.#lane(row.priority).entries.push(row)
  }

  take(): ReadyRow | undefined {
    const entry = this.peek()
    if (entry === undefined) return undefined
    const lane = this.#lane(entry.priority)
    lane.entries[lane.head++] = undefined
    this.#keys.delete(entryKey(entry))
    this.#compact(entry.priority, lane)
    return entry
  }

  /** The rows of a refill: everything the projection and its tail hold, up to the window. */
  refilled(rows: Iterable<ReadyRow>, more: boolean): void {
    const before = this.waiting
    this.#beyond = 0
    for (const row of rows) this.add(row)
    if (more) this.#beyond = Math.max(1, before - this.size)
  }

  /** So many entries wait in the projection, and none of them is in the window. */
  beyond(count: number): void {
    this.#beyond = count
  }

  #lane(priority: number): { entries: (ReadyRow | undefined)[]; head: number } {
    let lane = this.#lanes.get(priority)
    if (lane === undefined) {
      lane = { entries: [], head: 0 }
      this.#lanes.set(priority, lane)
      this.#priorities = [...this.#lanes.keys()].sort((a, b) => b - a)
    }
    return lane
  }

  #compact(priority: number, lane: { entries: (ReadyRow | undefined)[]; head: number }): void {
    if (lane.head === lane.entries.length) {
      this.#lanes.delete(priority)
      this.#priorities = this.#priorities.filter((other) => other !== priority)
    } else if (lane.head > 1_024 && lane.head * 2 > lane.entries.length) {
      lane.entries = lane.entries.slice(lane.head)
      lane.head = 0
    }
  }

  #lowest(): number {
    return this.#priorities[this.#priorities.length - 1] ?? Number.NEGATIVE_INFINITY
  }

  #dropLast(): void {
    const priority = this.#lowest()
    const lane = this.#lane(priority)
    const dropped = lane.entries.pop()
    if (dropped !== undefined) this.#keys.delete(entryKey(dropped))
    this.#compact(priority, lane)
  }
}

const entryKey = (row: ReadyRow): string => `${row.taskId}/${row.step}/${row.attempt}`
