/** Matches steps that wait with workers that have a free slot. */
import { durationMs, type HandlerName, type Namespace, type ReadyRow } from '@tasker/core'
import { inBackground } from '../background.js'
import type { QueueInfo } from '../engine/api.js'
import type { Clock } from '../engine/clock.js'
import type { SourceRows } from '../projections/projector.js'
import { ReadyQueue } from './ready-queue.js'
import { type ConnectedWorker, queueKey } from './worker.js'
import type { Workers } from './workers.js'

/** Entries of one queue kept in memory. */
const WINDOW_ENTRIES_MAX = 10_000
/** A truncated queue is refilled when it falls below this. */
const REFILL_BELOW_ENTRIES = 2_500
/** A refill that failed, or brought nothing because the projection lags behind, is tried again after this. */
const REFILL_AGAIN_MS = durationMs(200)

export interface ReadySource {
  /** The first rows of a queue as of the last durable commit: those of the projection and of the commits after its checkpoint. */
  readonly ready: (namespace: Namespace, handler: HandlerName, limit: number) => Promise<SourceRows<ReadyRow>>
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
  readonly #clock: Clock
  readonly #queues = new Map<string, Waiting>()
  #poked = false
  #paused = false
  #stopped = false

  constructor(clock: Clock, workers: Workers, source: ReadySource, start: (row: ReadyRow, worker: ConnectedWorker) => void) {
    this.#clock = clock
    this.#workers = workers
    this.#source = source
    this.#start = start
  }

  /** A step is ready and durable. */
  add(row: ReadyRow): void {
    this.#queue(row.namespace, row.handler).window.add(row)
    this.poke()
  }

  /** So many rows of this queue are in the projection, and none in memory. */
  stored(namespace: Namespace, handler: HandlerName, count: number): void {
    this.#queue(namespace, handler).window.beyond(count)
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
      if (!this.#stopped && !this.#paused) this.#match()
    })
  }

  /** Nothing is started while the log is away: its streams cannot be read, and its commits would only wait. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.poke()
  }

  infos(): readonly QueueInfo[] {
    return [...this.#queues.entries()].map(([key, { namespace, handler, window }]) => ({
      namespace,
      handler,
      waiting: window.waiting,
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

  /** One start a queue at a time: a queue that was served goes behind the others, so that a long one does not keep a short one waiting. */
  #match(): void {
    for (const [key, waiting] of this.#queues) {
      const worker = waiting.window.size > 0 ? this.#workers.claim(key) : undefined
      if (worker !== undefined) {
        this.#queues.delete(key)
        this.#queues.set(key, waiting)
        const row = waiting.window.take()
        if (row === undefined) this.#workers.unclaim(worker)
        else this.#start(row, worker)
      } else if (waiting.window.truncated && waiting.window.size < REFILL_BELOW_ENTRIES) inBackground(this.#refill(key, waiting))
      else if (waiting.window.size === 0) this.#queues.delete(key)
    }
  }

  async #refill(key: string, waiting: Waiting): Promise<void> {
    if (waiting.refilling || this.#workers.serving(key) === 0) return
    waiting.refilling = true
    const before = waiting.window.size
    try {
      const { rows, more } = await this.#source.ready(waiting.namespace, waiting.handler, WINDOW_ENTRIES_MAX)
      waiting.window.refilled(rows, more)
    } catch {
      // The projection cannot be read just now; the queue stays truncated.
    }
    const done = (): void => {
      waiting.refilling = false
      this.poke()
    }
    if (waiting.window.truncated && waiting.window.size <= before) this.#clock.after(REFILL_AGAIN_MS, done)
    else done()
  }
}
