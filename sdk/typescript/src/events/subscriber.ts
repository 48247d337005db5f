/** A subscriber: follows recorded domain events from where it was, at least once and in order of each task. */
import { systemClock, type Clock } from '../clock.js'
import { stderrLogger, type Logger } from '../logger.js'
import { grpcTransport } from '../wire/grpc.js'
import type { Transport } from '../wire/transport.js'
import { type DomainEventHandler, follow } from './subscription.js'

/** Where a subscriber keeps how far it has come; a row of your database, written with what the handler writes, makes each event count once. */
export interface CursorStore {
  /** Undefined when nothing was kept yet. */
  load(): string | undefined | Promise<string | undefined>
  save(cursor: string): void | Promise<void>
}

export interface SubscriberOptions {
  /** Host and port of the server's gRPC door, such as `localhost:9190`. */
  readonly url: string
  /** All when not given. */
  readonly namespace?: string
  /** `card.charged`; `card.*` for one more word, `card.**` for any that follow; all names when not given. */
  readonly patterns?: readonly string[]
  /** Called with one event after another. One that fails is asked again with the same event. */
  readonly handler: DomainEventHandler
  /** Kept in memory when not given: then a new process begins where `from` says. */
  readonly cursor?: CursorStore
  /** Where to begin when no cursor was kept: `now` when not said. */
  readonly from?: 'now' | 'beginning'
  /** JSON lines on standard error when not given. */
  readonly logger?: Logger
  /** Called when the server follows, again after each reconnect. */
  readonly onFollowing?: () => void
  /** gRPC when not given. */
  readonly transport?: Transport
  /** For tests. */
  readonly clock?: Clock
}

export class Subscriber {
  readonly #options: SubscriberOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: SubscriberOptions) {
    this.#options = options
  }

  /** Follows until it is stopped; a lost server is tried again for ever. Rejects when the server refuses the subscription. */
  run(): Promise<void> {
    this.#running ??= this.#follow()
    return this.#running
  }

  /** Ends after the event that is being handled; resolves when it is gone. */
  stop(): Promise<void> {
    this.#stopped.abort()
    return this.#running ?? Promise.resolve()
  }

  async #follow(): Promise<void> {
    const { url, namespace = '', patterns = [], handler, cursor, from = 'now', logger = stderrLogger } = this.#options
    const transport = this.#options.transport ?? grpcTransport({ url })
    try {
      await follow(
        {
          transport,
          clock: this.#options.clock ?? systemClock,
          logger,
          namespace,
          patterns,
          handler,
          mode: 'cursor',
          start: async () => {
            const kept = await cursor?.load()
            if (kept !== undefined) return { cursor: kept }
            return from === 'beginning' ? 'beginning' : undefined
          },
          save: (place) => cursor?.save(place),
          onFollowing: () => this.#options.onFollowing?.(),
        },
        this.#stopped.signal,
      )
    } finally {
      if (this.#options.transport === undefined) transport.close()
    }
  }
}
