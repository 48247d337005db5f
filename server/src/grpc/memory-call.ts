/** A call within one process: what one side says is heard by the other in a later microtask, in order, and never encoded. */
import { fifo } from '../fifo.js'
import type { DuplexCall, WritableCall } from './call.js'
import type { Incoming } from './decoding.js'
import type { CallStatus } from './errors.js'

export interface CallListener<Out> {
  readonly onMessage: (message: Out) => void
  /** Called once, and nothing after it. No status: the server ended the call in order. */
  readonly onEnd: (status: CallStatus | undefined) => void
}

/** What the caller does. */
export interface CallerSide<In> {
  say(message: In): void
  /** Says that nothing more comes. */
  finish(): void
  /** Is gone: hears nothing more. */
  abort(): void
}

type ServerEvent = 'data' | 'drain' | 'cancelled' | 'end'

/** Both sides of one call. */
export class MemoryCall<In, Out> implements DuplexCall<In, Out>, CallerSide<In> {
  readonly #listener: CallListener<Out>
  readonly #closed: () => void
  readonly #hears: { readonly event: ServerEvent; readonly listener: (incoming: Incoming<In>) => void }[] = []
  readonly #toServer = new Line()
  readonly #toCaller = new Line()
  #isOpen = true

  /** `closed` is called once, when the call is over for the caller. */
  constructor(listener: CallListener<Out>, closed: () => void) {
    this.#listener = listener
    this.#closed = closed
  }

  on(event: ServerEvent, listener: (incoming: Incoming<In>) => void): void {
    this.#hears.push({ event, listener })
  }

  emit(_event: 'error', status: CallStatus): void {
    this.#toCaller.push(() => this.#end(status))
  }

  /** Memory has room. */
  write(message: Out): boolean {
    this.#toCaller.push(() => {
      if (this.#isOpen) this.#listener.onMessage(message)
    })
    return true
  }

  end(): void {
    this.#toCaller.push(() => this.#end(undefined))
  }

  pause(): void {
    this.#toServer.pause()
  }

  resume(): void {
    this.#toServer.resume()
  }

  isPaused(): boolean {
    return this.#toServer.paused
  }

  say(message: In): void {
    this.#toServer.push(() => this.#tell('data', { type: 'message', message }))
  }

  finish(): void {
    this.#toServer.push(() => this.#tell('end'))
  }

  abort(): void {
    if (!this.#close()) return
    this.#toServer.close()
    this.#tell('cancelled')
  }

  /** The server is gone, and has said nothing of it. */
  cut(status: CallStatus): void {
    this.#toServer.close()
    this.#end(status)
  }

  #end(status: CallStatus | undefined): void {
    this.#toServer.close()
    if (this.#close()) this.#listener.onEnd(status)
  }

  #close(): boolean {
    if (!this.#isOpen) return false
    this.#isOpen = false
    this.#toCaller.close()
    this.#closed()
    return true
  }

  /** Only `data` has something to look at. */
  #tell(event: ServerEvent, incoming: Incoming<In> = NOTHING): void {
    for (const hears of this.#hears) if (hears.event === event) hears.listener(incoming)
  }
}

const NOTHING = { type: 'malformed', problem: 'nothing was said' } as const

/** A call with one request. */
export const writableCall = <In, Out>(message: In, call: MemoryCall<never, Out>): WritableCall<In, Out> => ({
  request: { type: 'message', message },
  on: (event, listener) => call.on(event, listener),
  emit: (event, status) => call.emit(event, status),
  write: (out) => call.write(out),
  end: () => call.end(),
})

/** One way of a call: what is pushed happens in a later microtask, each after the one before. */
class Line {
  readonly #waiting = fifo<() => void>()
  #asked = false
  #closed = false
  paused = false

  push(act: () => void): void {
    if (this.#closed) return
    this.#waiting.push(act)
    this.#ask()
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.#ask()
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
  }

  #ask(): void {
    if (this.#asked || this.paused) return
    this.#asked = true
    queueMicrotask(() => {
      this.#asked = false
      while (!this.paused) {
        const act = this.#waiting.shift()
        if (act === undefined) return
        act()
      }
    })
  }
}
