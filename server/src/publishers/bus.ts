/**
 * Who listens to domain events just now: `fast` and `broadcast` ones are told once, after they are durable or decided, and to nobody who comes
 * later. A listener that cannot take one says so, and it is counted as dropped.
 */
import type { DomainMessage } from './message.js'

/** False when the listener could not take the message. */
export type LiveListener = (message: DomainMessage) => boolean

export class EventBus {
  readonly #listeners = new Set<LiveListener>()
  readonly #dropped: (count: number) => void

  constructor(dropped: (count: number) => void) {
    this.#dropped = dropped
  }

  listen(listener: LiveListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  tell(messages: readonly DomainMessage[]): void {
    for (const message of messages) {
      for (const listener of this.#listeners) if (!listener(message)) this.#dropped(1)
    }
  }
}
