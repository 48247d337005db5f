/**
 * Brings recorded domain events to their transport, behind the log.
 *
 * P1  It keeps no events: it reads them from the log behind its checkpoints, so nothing is lost with the process, and a transport that is
 *     away for a week costs no memory.
 * P2  A batch that failed, or whose answer was lost, is read again from the checkpoints the transport has then.
 */
import { durationMs, type Instant, type Partition } from '@tasker/core'
import { type Clock, waitOn } from '../engine/clock.js'
import type { EventLog, StoredCommit } from '../log/port.js'
import { type DomainMessage, messagesIn } from './message.js'
import type { CheckpointMove, EventTransport } from './transport.js'

export interface PublisherHooks {
  readonly published: (messages: number, seconds: number) => void
  /** The transport did not take a batch; it is tried again. */
  readonly failed: (message: string) => void
  /** It takes them again. */
  readonly recovered: () => void
  /** A commit whose events cannot be read: it is passed over, and kept in the log. */
  readonly unreadable: (commit: StoredCommit, error: unknown) => void
}

/** Partitions whose pages are in memory at once. */
const PARTITIONS_AT_ONCE = 4
const RETRY_DELAYS_MS = [100, 200, 500, 1_000, 2_000, 5_000].map(durationMs)
const RETRY_DELAY_MS_MAX = durationMs(5_000)

/** A partition that may hold events behind its checkpoint. */
interface Behind {
  /** Up to where it does; Infinity when that is not known. */
  head: number
  /** When the oldest of them was recorded, as far as that is known. */
  since: Instant
  /** Counts the commits told of, so that one that comes during a read is not overlooked. */
  notes: number
}

interface Stretch {
  readonly move: CheckpointMove
  readonly lastAt: Instant
  readonly messages: readonly DomainMessage[]
}

export class Publisher {
  readonly #log: EventLog
  readonly #transport: EventTransport
  readonly #clock: Clock
  readonly #hooks: PublisherHooks
  readonly #behind = new Map<Partition, Behind>()
  #checkpoints: ReadonlyMap<Partition, number> | undefined
  #failures = 0
  #problem: string | undefined
  #running: Promise<void> | undefined
  #stopped = false
  #wake: (() => void) | undefined

  constructor(log: EventLog, transport: EventTransport, clock: Clock, hooks: PublisherHooks) {
    this.#log = log
    this.#transport = transport
    this.#clock = clock
    this.#hooks = hooks
  }

  /** What a process before this one left is looked for. */
  startFrom(partition: Partition): void {
    this.#note(partition, Number.POSITIVE_INFINITY, this.#clock.now())
  }

  /** A durable commit recorded domain events. */
  committed(partition: Partition, seq: number, at: Instant): void {
    this.#note(partition, seq, at)
  }

  /** Milliseconds since the oldest recorded event that is not published; 0 when all are. */
  lagMs(now: Instant): number {
    let oldest = now
    for (const { since } of this.#behind.values()) if (since < oldest) oldest = since
    return Math.max(0, now - oldest)
  }

  /** Why nothing is published just now. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Ends after the batch that is on its way; what is left waits in the log. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.()
    await this.#running
  }

  #note(partition: Partition, head: number, at: Instant): void {
    const known = this.#behind.get(partition)
    if (known === undefined) this.#behind.set(partition, { head, since: at, notes: 1 })
    else {
      known.head = Math.max(known.head, head)
      known.notes++
    }
    if (this.#running === undefined && !this.#stopped) this.#running = this.#run()
  }

  async #run(): Promise<void> {
    while (this.#behind.size > 0 && !this.#stopped) {
      try {
        await this.#pass()
        this.#failures = 0
        if (this.#problem !== undefined) this.#hooks.recovered()
        this.#problem = undefined
      } catch (error) {
        this.#checkpoints = undefined
        this.#problem = error instanceof Error ? error.message : String(error)
        this.#hooks.failed(this.#problem)
        await this.#pause(RETRY_DELAYS_MS[this.#failures++] ?? RETRY_DELAY_MS_MAX)
      }
    }
    this.#running = undefined
  }

  async #pass(): Promise<void> {
    this.#checkpoints ??= await this.#transport.checkpoints()
    const from = this.#checkpoints
    const partitions = [...this.#behind.keys()].slice(0, PARTITIONS_AT_ONCE)
    const stretches = (await Promise.all(partitions.map((partition) => this.#read(partition, from.get(partition) ?? 0)))).filter(
      (stretch) => stretch !== undefined,
    )
    if (stretches.length === 0 || this.#stopped) return
    const startedAt = this.#clock.monotonicMs()
    const messages = stretches.flatMap((stretch) => stretch.messages)
    const moves = stretches.map(({ move }) => move)
    const answer = await this.#transport.publish({ messages, moves })
    if (answer === 'moved') {
      this.#checkpoints = undefined
      return
    }
    this.#checkpoints = new Map([...from, ...moves.map(({ partition, to }) => [partition, to] as const)])
    for (const stretch of stretches) this.#publishedUpTo(stretch)
    this.#hooks.published(messages.length, (this.#clock.monotonicMs() - startedAt) / 1_000)
  }

  /** The next stretch of a partition; undefined when all of it is published. */
  async #read(partition: Partition, after: number): Promise<Stretch | undefined> {
    const behind = this.#behind.get(partition)
    const notes = behind?.notes
    for await (const page of this.#log.readDomainEvents(partition, after)) {
      const [first] = page
      const last = page.at(-1)
      if (first === undefined || last === undefined) break
      if (behind !== undefined) behind.since = first.at
      const messages = page.flatMap((commit) => this.#messages(commit))
      return { move: { partition, from: after, to: last.seq }, lastAt: last.at, messages }
    }
    if (behind?.notes === notes) this.#behind.delete(partition)
    return undefined
  }

  #messages(commit: StoredCommit): readonly DomainMessage[] {
    try {
      return messagesIn(commit)
    } catch (error) {
      this.#hooks.unreadable(commit, error)
      return []
    }
  }

  #publishedUpTo({ move, lastAt }: Stretch): void {
    const known = this.#behind.get(move.partition)
    if (known === undefined) return
    // What is left goes behind the other partitions, so that each has its turn.
    this.#behind.delete(move.partition)
    if (known.head > move.to) this.#behind.set(move.partition, { ...known, since: lastAt })
  }

  #pause(delayMs: (typeof RETRY_DELAYS_MS)[number]): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    const waited = waitOn(this.#clock, delayMs)
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    return Promise.race([waited, woken])
  }
}
