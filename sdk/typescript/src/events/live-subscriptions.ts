/** What a worker listens to while it runs: one live subscription for each pattern, opened when it runs and ended with it. */
import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import type { Transport } from '../wire/transport.js'
import { type DomainEventHandler, follow } from './subscription.js'

interface Listening {
  readonly pattern: string
  readonly handler: DomainEventHandler
  readonly stop: AbortController
}

export class LiveSubscriptions {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #namespace: string
  readonly #listening = new Set<Listening>()
  readonly #running = new Set<Promise<void>>()
  #started = false

  constructor(transport: Transport, clock: Clock, logger: Logger, namespace: string) {
    this.#transport = transport
    this.#clock = clock
    this.#logger = logger
    this.#namespace = namespace
  }

  add(pattern: string, handler: DomainEventHandler): () => void {
    const listening: Listening = { pattern, handler, stop: new AbortController() }
    this.#listening.add(listening)
    if (this.#started) this.#open(listening)
    return () => {
      this.#listening.delete(listening)
      listening.stop.abort()
    }
  }

  start(): void {
    this.#started = true
    for (const listening of this.#listening) this.#open(listening)
  }

  async stop(): Promise<void> {
    this.#started = false
    for (const { stop } of this.#listening) stop.abort()
    await Promise.all(this.#running)
  }

  #open({ pattern, handler, stop }: Listening): void {
    const following = follow(
      {
        transport: this.#transport,
        clock: this.#clock,
        logger: this.#logger,
        namespace: this.#namespace,
        patterns: [pattern],
        handler,
        mode: 'live',
        start: () => Promise.resolve(undefined),
        save: () => undefined,
        onFollowing: () => undefined,
      },
      stop.signal,
    )
    const ended = following
      .catch((error: unknown) =>
        this.#logger.error('a subscription to domain events was refused', {
          pattern,
          error: error instanceof Error ? error.message : String(error),
        }),
      )
      .then(() => void this.#running.delete(ended))
    this.#running.add(ended)
  }
}
