/** A queue with what fills its window again: rows of the projection, and of what is not projected yet. */
import { durationMs, type Namespace, type QueueName, type ReadyRow } from '@tasker/core'
import type { Clock } from '../engine/clock.js'
import type { QueueRequest, QueueScan } from '../projections/queue-scan.js'
import { ReadyQueue } from './ready-queue.js'

/** A refill that failed, or brought nothing because the projection lags behind, is tried again after this. */
const REFILL_AGAIN_MS = durationMs(200)

export interface ReadySource {
  /** The first rows of a queue as of the last durable commit: those of the projection and of the commits after its checkpoint. */
  readonly ready: (namespace: Namespace, queue: QueueName, request: QueueRequest) => Promise<QueueScan>
}

export class QueueWindow {
  readonly namespace: Namespace
  readonly queue: QueueName
  readonly rows: ReadyQueue
  readonly #clock: Clock
  readonly #source: ReadySource
  #refilling = false

  constructor(clock: Clock, source: ReadySource, row: Pick<ReadyRow, 'namespace' | 'queue'>, entriesMax: number) {
    this.#clock = clock
    this.#source = source
    this.namespace = row.namespace
    this.queue = row.queue
    this.rows = new ReadyQueue(entriesMax)
  }

  /** Reads more rows unless that is under way; `done` is called when it makes sense to look again. */
  async refill(done: () => void): Promise<void> {
    if (this.#refilling) return
    this.#refilling = true
    const { rows } = this
    const before = rows.size
    try {
      rows.refilled(await this.#source.ready(this.namespace, this.queue, rows.request()))
    } catch {
      // The projection cannot be read just now; the queue stays truncated.
    }
    const again = (): void => {
      this.#refilling = false
      done()
    }
    if (rows.low && rows.size <= before) this.#clock.after(REFILL_AGAIN_MS, again)
    else again()
  }
}
