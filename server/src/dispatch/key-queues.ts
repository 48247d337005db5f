/** The steps that wait for a place of a key, a window for each key. */
import { LIMITS, type Namespace, type QueueName, type ReadyRow } from '@tasker/core'
import { inBackground } from '../background.js'
import type { Clock } from '../engine/clock.js'
import { QueueWindow, type ReadySource } from './queue-window.js'

export class KeyQueues {
  readonly #clock: Clock
  readonly #source: ReadySource
  /** Takes what may have a place now. */
  readonly #serve: (queue: QueueWindow) => void
  readonly #windowMax: number
  readonly #queues = new Map<string, QueueWindow>()
  readonly #poked = new Set<string>()
  #stopped = false

  constructor(
    clock: Clock,
    source: ReadySource,
    serve: (queue: QueueWindow) => void,
    windowMax: number = LIMITS.windowEntriesMax,
  ) {
    this.#clock = clock
    this.#windowMax = windowMax
    this.#source = source
    this.#serve = serve
  }

  /** A step is ready and waits for this key. */
  add(row: ReadyRow): void {
    this.#queue(row).rows.add(row)
    this.poke(row.namespace, row.queue)
  }

  /** So many rows of this queue are in the projection, and none in memory. */
  stored(namespace: Namespace, queue: QueueName, count: number): void {
    this.#queue({ namespace, queue }).rows.beyond(count)
    this.poke(namespace, queue)
  }

  find(namespace: Namespace, queue: QueueName): QueueWindow | undefined {
    return this.#queues.get(nameOf({ namespace, queue }))
  }

  all(): readonly QueueWindow[] {
    return [...this.#queues.values()]
  }

  /** A place may be free: looked at together with all else of this turn. */
  poke(namespace: Namespace, queue: QueueName): void {
    const name = nameOf({ namespace, queue })
    if (!this.#queues.has(name)) return
    this.#poked.add(name)
    if (this.#poked.size > 1) return
    queueMicrotask(() => {
      const names = [...this.#poked]
      this.#poked.clear()
      if (!this.#stopped) for (const one of names) this.#look(one)
    })
  }

  stop(): void {
    this.#stopped = true
  }

  #look(name: string): void {
    const queue = this.#queues.get(name)
    if (queue === undefined) return
    if (queue.rows.size > 0) this.#serve(queue)
    if (queue.rows.low) inBackground(queue.refill(() => this.poke(queue.namespace, queue.queue)))
    else if (queue.rows.waiting === 0) this.#queues.delete(name)
  }

  #queue(row: Pick<ReadyRow, 'namespace' | 'queue'>): QueueWindow {
    const name = nameOf(row)
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = new QueueWindow(this.#clock, this.#source, row, this.#windowMax)
      this.#queues.set(name, queue)
    }
    return queue
  }
}

const nameOf = ({ namespace, queue }: Pick<ReadyRow, 'namespace' | 'queue'>): string => `${namespace}\n${queue}`
