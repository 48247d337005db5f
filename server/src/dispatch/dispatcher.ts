/** Matches steps that wait with workers that have a free slot. */
import { type HandlerName, handlerQueue, LIMITS, type Namespace, type ReadyRow } from '@tasker/core'
import { inBackground } from '../background.js'
import type { QueueInfo } from '../engine/api.js'
import type { Clock } from '../engine/clock.js'
import { QueueWindow, type ReadySource } from './queue-window.js'
import { type ConnectedWorker, queueKey } from './worker.js'
import type { Workers } from './workers.js'

interface Waiting {
  readonly handler: HandlerName
  readonly window: QueueWindow
}

export type PauseReason = 'log' | 'projections' | 'children'

export class Dispatcher {
  readonly #workers: Workers
  readonly #source: ReadySource
  /** Starts an attempt on a worker whose slot is claimed. */
  readonly #start: (row: ReadyRow, worker: ConnectedWorker) => void
  readonly #clock: Clock
  readonly #windowMax: number
  readonly #queues = new Map<string, Waiting>()
  #poked = false
  readonly #pauses = new Set<PauseReason>()
  #stopped = false

  constructor(
    clock: Clock,
    workers: Workers,
    source: ReadySource,
    start: (row: ReadyRow, worker: ConnectedWorker) => void,
    windowMax: number = LIMITS.windowEntriesMax,
  ) {
    this.#clock = clock
    this.#windowMax = windowMax
    this.#workers = workers
    this.#source = source
    this.#start = start
  }

  /** A step is ready and durable. */
  add(row: ReadyRow): void {
    this.#queue(row.namespace, row.handler).window.rows.add(row)
    this.poke()
  }

  /** So many rows of this queue are in the projection, and none in memory. */
  stored(namespace: Namespace, handler: HandlerName, count: number): void {
    this.#queue(namespace, handler).window.rows.beyond(count)
    this.poke()
  }

  /** Who would be next in this queue. */
  first(queue: string): ReadyRow | undefined {
    return this.#queues.get(queue)?.window.rows.peek()
  }

  /** A step of this fairness key started without waiting: it had the key's turn. */
  passed(queue: string, fairnessKey: string): void {
    this.#queues.get(queue)?.window.rows.passed(fairnessKey)
  }

  /** Matches at the end of this turn. */
  poke(): void {
    if (this.#poked || this.#queues.size === 0) return
    this.#poked = true
    queueMicrotask(() => {
      this.#poked = false
      if (!this.#stopped && this.#pauses.size === 0) this.#match()
    })
  }

  /** Nothing is started while the log is away (its streams cannot be read, and its commits would only wait), or while the rows are far behind. */
  pause(why: PauseReason): void {
    this.#pauses.add(why)
  }

  resume(why: PauseReason): void {
    this.#pauses.delete(why)
    this.poke()
  }

  /** Entries in memory of the queue that has most. */
  get windowEntries(): number {
    let most = 0
    for (const { window } of this.#queues.values()) most = Math.max(most, window.rows.size)
    return most
  }

  infos(): readonly QueueInfo[] {
    return [...this.#queues.entries()].map(([key, { handler, window }]) => ({
      namespace: window.namespace,
      handler,
      waiting: window.rows.waiting,
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
      const window = new QueueWindow(this.#clock, this.#source, { namespace, queue: handlerQueue(handler) }, this.#windowMax)
      waiting = { handler, window }
      this.#queues.set(key, waiting)
    }
    return waiting
  }

  /** One start a queue at a time: a queue that was served goes behind the others, so that a long one does not keep a short one waiting. */
  #match(): void {
    for (const [key, waiting] of this.#queues) {
      const { rows } = waiting.window
      // Nobody would take what a refill brings to a queue without workers.
      if (rows.low && this.#workers.serving(key) > 0) inBackground(waiting.window.refill(() => this.poke()))
      const worker = rows.size > 0 ? this.#workers.claim(key, rows.peek()?.taskId) : undefined
      if (worker !== undefined) {
        this.#queues.delete(key)
        this.#queues.set(key, waiting)
        const row = rows.take()
        if (row === undefined) this.#workers.unclaim(worker)
        else this.#start(row, worker)
      } else if (rows.waiting === 0) this.#queues.delete(key)
    }
  }
}
