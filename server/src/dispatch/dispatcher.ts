/** Matches steps that wait with workers that have a free slot. */
import type { HandlerName, Namespace, ReadyRow } from '@tasker/core'
import { inBackground } from '../background.js'
import type { QueueInfo } from '../engine/api.js'
import { ReadyQueue } from './ready-queue.js'
import { type ConnectedWorker, queueKey } from './worker.js'
import type { Workers } from './workers.js'

/** Entries of one queue kept in memory. */
const WINDOW_ENTRIES_MAX = 10_000
/** A truncated queue is refilled when it falls below this. */
const REFILL_BELOW_ENTRIES = 2_500

export interface ReadySource {
  /** The first rows of a queue as of the last durable commit: those of the projection and of the commits after its checkpoint. */
  readonly ready: (namespace: Namespace, handler: HandlerName, limit: number) => Promise<readonly ReadyRow[]>
}

interface Waiting {
  readonly namespace: Namespace
  readonly handler: HandlerName
  readonly window: ReadyQueue
  refilling: boolean
}

export class Dispatcher {
  readonly #workers: Workers
  readonly #source: ReadySource
  /** Starts an attempt on a worker whose slot is claimed. */
  readonly #start: (row: ReadyRow, worker: ConnectedWorker) => void
  readonly #queues = new Map<string, Waiting>()
  #poked = false
  #stopped = false

  constructor(workers: Workers, source: ReadySource, start: (row: ReadyRow, worker: ConnectedWorker) => void) {
    this.#workers = workers
    this.#source = source
    this.#start = start
  }

  /** A step is ready and durable. */
  add(row: ReadyRow): void {
    this.#queue(row.namespace, row.handler).window.add(row)
    this.poke()
  }

  /** Rows of this queue are in the projection only. */
  stored(namespace: Namespace, handler: HandlerName): void {
    this.#queue(namespace, handler).window.refilled([], true)
    this.poke()
  }

  /** Who would be next in this queue. */
  first(queue: string): ReadyRow | undefined {
    return this.#queues.get(queue)?.window.peek()
  }

  /** Matches at the end of this turn. */
  poke(): void {
    if (this.#poked || this.#queues.size === 0) return
    this.#poked = true
    queueMicrotask(() => {
      this.#poked = false
      if (!this.#stopped) this.#match()
    })
  }

  infos(): readonly QueueInfo[] {
    return [...this.#queues.entries()].map(([key, { namespace, handler, window }]) => ({
      namespace,
      handler,
      waiting: window.size,
      workers: this.#workers.serving(key),
    }))
  }

  stop(): void {
    this.#stopped = true
  }

  #queue(namespace: Namespace, handler: HandlerName): Waiting {
    const key = queueKey(namespace, handler)
    let waiting = this.#queues.get(key)
    if (waiting === undefined) {
      waiting = { namespace, handler, window: new ReadyQueue(WINDOW_ENTRIES_MAX), refilling: false }
      this.#queues.set(key, waiting)
    }
    return waiting
  }

  #match(): void {
    for (const [key, waiting] of this.#queues) {
      while (waiting.window.size > 0) {
        const worker = this.#workers.claim(key)
        if (worker === undefined) break
        const row = waiting.window.take()
        if (row !== undefined) this.#start(row, worker)
      }
      if (waiting.window.truncated && waiting.window.size < REFILL_BELOW_ENTRIES) inBackground(this.#refill(key, waiting))
      else if (waiting.window.size === 0) this.#queues.delete(key)
    }
  }

  async #refill(key: string, waiting: Waiting): Promise<void> {
    if (waiting.refilling || this.#workers.serving(key) === 0) return
    waiting.refilling = true
    try {
      const rows = await this.#source.ready(waiting.namespace, waiting.handler, WINDOW_ENTRIES_MAX)
      waiting.window.refilled(rows, rows.length >= WINDOW_ENTRIES_MAX)
    } catch {
      // The projection cannot be read just now; the queue stays truncated and the next poke tries again.
    } finally {
      waiting.refilling = false
    }
    this.poke()
  }
}
