/**
 * Domain events for those who follow them: what is recorded, partition by partition from a place on, and what is told live.
 *
 * F1  Whoever reads a partition from a place on meets every recorded event behind it, those of one task in order, as often as it comes back,
 *     until the task is archived.
 * F2  Nothing is kept for a reader: it asks the log, and is told when there is news.
 */
import { type Partition, partitionNumber } from '@tasker/core'
import type { EventLog, StoredCommit } from '../log/port.js'
import type { EventBus, LiveListener } from './bus.js'
import { type DomainMessage, messagesIn } from './message.js'

export interface DomainPage {
  readonly messages: readonly DomainMessage[]
  /** The seq of the last commit that was read. */
  readonly seq: number
}

export interface DomainEvents {
  readonly partitions: number
  /** The seq behind which everything of a partition is still to come. */
  end(partition: number): Promise<number>
  /** The next events of a partition; undefined when there are none now. Throws a `Fault` when the log cannot be read. */
  read(partition: number, afterSeq: number): Promise<DomainPage | undefined>
  /** Called after events of a partition were recorded; returns the way to stop. */
  onNews(call: (partition: number) => void): () => void
  listen(listener: LiveListener): () => void
}

export class DomainFeed implements DomainEvents {
  readonly #log: EventLog
  readonly #bus: EventBus
  readonly #news = new Set<(partition: number) => void>()

  constructor(log: EventLog, bus: EventBus) {
    this.#log = log
    this.#bus = bus
  }

  get partitions(): number {
    return this.#log.partitionCount
  }

  /** A durable commit caused these; `recordedIn` is undefined when the log holds none of them. */
  committed(recordedIn: Partition | undefined, live: readonly DomainMessage[]): void {
    this.#bus.tell(live)
    if (recordedIn !== undefined) for (const call of this.#news) call(recordedIn)
  }

  async end(partition: number): Promise<number> {
    return (await this.#log.head(partitionNumber(partition))).seq
  }

  async read(partition: number, afterSeq: number): Promise<DomainPage | undefined> {
    for await (const page of this.#log.readDomainEvents(partitionNumber(partition), afterSeq)) {
      const last = page.at(-1)
      if (last !== undefined) return { messages: page.flatMap(readable), seq: last.seq }
    }
    return undefined
  }

  onNews(call: (partition: number) => void): () => void {
    this.#news.add(call)
    return () => void this.#news.delete(call)
  }

  listen(listener: LiveListener): () => void {
    return this.#bus.listen(listener)
  }
}

/** A commit that cannot be read is the publisher's to report; it holds up no reader. */
const readable = (commit: StoredCommit): readonly DomainMessage[] => {
  try {
    return messagesIn(commit)
  } catch {
    return []
  }
}
