/**
 * Queues with steps that wait and no worker that takes them: noticed within a second, reported after a few, and after a longer time a dead
 * letter for each task that waits in them.
 *
 * U1  Only the queue is watched, never a step: a queue that has workers costs nothing, whatever waits in it.
 * U2  What a look finds is a hint: the decider knows whether the attempt still waits. A step is looked at once, until its queue is served.
 */
import { durationMs, type DurationMs, type HandlerName, type Instant, instant, type Namespace, type ReadyRow } from '@tasker/core'
import { inBackground } from '../background.js'
import { queueKey } from '../dispatch/worker.js'
import type { WaitingPlace } from '../projections/port.js'
import type { QueueInfo, UnservedQueue } from './api.js'
import type { Clock } from './clock.js'

const NOTICE_EVERY_MS = durationMs(1_000)
/** A queue has to be without workers for this long, however long its steps have waited: workers that are started anew make no dead letters. */
const SETTLED_MS_MAX = 60_000

export interface UnservedSettings {
  /** A queue is reported after this. */
  readonly reportMs: DurationMs
  /** A step that has waited for this long makes a dead letter. */
  readonly deadLetterMs: DurationMs
  /** Steps of one look. */
  readonly stepsMax: number
}

export interface UnservedSources {
  readonly queues: () => readonly QueueInfo[]
  /** Steps of a queue that became ready before an instant, oldest first, after a place in that order. */
  readonly waiting: (
    namespace: Namespace,
    handler: HandlerName,
    readyBefore: Instant,
    after: WaitingPlace | undefined,
    limit: number,
  ) => Promise<readonly ReadyRow[]>
  /** A step has waited for too long in a queue without workers. */
  readonly found: (row: ReadyRow) => void
}

interface Unserved {
  readonly namespace: Namespace
  readonly handler: HandlerName
  readonly since: Instant
  waiting: number
  lookedUpTo: WaitingPlace | undefined
  looking: boolean
}

export class UnservedQueues {
  readonly #clock: Clock
  readonly #settings: UnservedSettings
  readonly #sources: UnservedSources
  readonly #unserved = new Map<string, Unserved>()
  #stop: (() => void) | undefined
  #stopped = false

  constructor(clock: Clock, settings: UnservedSettings, sources: UnservedSources) {
    this.#clock = clock
    this.#settings = settings
    this.#sources = sources
  }

  start(): void {
    this.#notice()
    for (const queue of this.#unserved.values()) this.#look(queue)
    if (!this.#stopped) this.#stop = this.#clock.after(NOTICE_EVERY_MS, () => this.start(), 'upkeep')
  }

  stop(): void {
    this.#stopped = true
    this.#stop?.()
  }

  /** The queues that have been without workers for as long as it takes to report them. */
  list(): readonly UnservedQueue[] {
    this.#notice()
    const now = this.#clock.now()
    return [...this.#unserved.values()]
      .filter(({ since }) => now - since >= this.#settings.reportMs)
      .map(({ namespace, handler, waiting, since }) => ({ namespace, handler, waiting, since }))
  }

  problem(namespace: Namespace, handler: HandlerName): UnservedQueue | undefined {
    return this.list().find((queue) => queue.namespace === namespace && queue.handler === handler)
  }

  #notice(): void {
    const now = this.#clock.now()
    const seen = new Set<string>()
    for (const { namespace, handler, waiting, workers } of this.#sources.queues()) {
      if (waiting === 0 || workers > 0) continue
      const key = queueKey(namespace, handler)
      seen.add(key)
      const known = this.#unserved.get(key)
      if (known !== undefined) known.waiting = waiting
      else this.#unserved.set(key, { namespace, handler, since: now, waiting, lookedUpTo: undefined, looking: false })
    }
    for (const key of this.#unserved.keys()) if (!seen.has(key)) this.#unserved.delete(key)
  }

  #look(queue: Unserved): void {
    const { deadLetterMs } = this.#settings
    const now = this.#clock.now()
    if (queue.looking || now - queue.since < Math.min(deadLetterMs, SETTLED_MS_MAX)) return
    queue.looking = true
    inBackground(this.#lookAt(queue, instant(now - deadLetterMs)))
  }

  async #lookAt(queue: Unserved, readyBefore: Instant): Promise<void> {
    const { namespace, handler, lookedUpTo } = queue
    try {
      const rows = await this.#sources.waiting(namespace, handler, readyBefore, lookedUpTo, this.#settings.stepsMax)
      for (const row of rows) this.#sources.found(row)
      queue.lookedUpTo = rows[rows.length - 1] ?? lookedUpTo
    } catch {
      // The rows cannot be read just now; the next look asks for the same ones.
    }
    queue.looking = false
  }
}
