/** Streams of keys, and what several commands about one of them make happen together. */
import { type Instant, type KeyCommand, type KeyEvent, keyStream, type KeyState, NO_KEY, type QueueName } from '@tasker/core'
import { decodeKeyEvents, encodeKeyEvents, keyStreamRef } from '../../log/key-codec.js'
import { type NamedStream, NamedStreams, type NamedStreamKind, type NamedStreamParts } from '../named-streams.js'

export type KeyStream = NamedStream<QueueName, KeyState>

const KEYS: NamedStreamKind<QueueName, KeyState, KeyEvent> = {
  empty: NO_KEY,
  ref: keyStreamRef,
  evolve: keyStream.evolve,
  encode: encodeKeyEvents,
  decode: decodeKeyEvents,
}

export class KeyStreams {
  readonly #streams: NamedStreams<QueueName, KeyState, KeyEvent>

  constructor(parts: NamedStreamParts<QueueName, KeyState>) {
    this.#streams = new NamedStreams(KEYS, parts)
  }

  get named(): Pick<NamedStreams<QueueName, KeyState, KeyEvent>, 'all' | 'get' | 'load'> {
    return this.#streams
  }

  /** Nobody has a place of it: it is read again when it is asked for. */
  forget(stream: KeyStream): void {
    if (stream.state.places.size === 0) this.#streams.forget(stream)
  }

  /** Decides one command after another and appends what they make happen as one commit; `settled` hears of it when there is any. */
  apply(
    stream: KeyStream,
    cause: string,
    commands: readonly ((at: Instant) => KeyCommand)[],
    settled: (events: readonly KeyEvent[], durable: boolean) => void,
  ): readonly KeyEvent[] {
    const at = this.#streams.now(stream)
    const events: KeyEvent[] = []
    let { state } = stream
    for (const command of commands) {
      const decision = keyStream.decide(state, command(at))
      if (decision.type === 'refused') continue
      for (const event of decision.events) {
        state = keyStream.evolve(state, event, at)
        events.push(event)
      }
    }
    if (events.length > 0) {
      this.#streams.append(stream, { actor: 'engine', cause }, events, at, ({ type }) => settled(events, type === 'durable'))
    }
    return events
  }
}
