/** One stream that is opened again and again: what the worker and the client share about losing a server. */
import { TaskerError, type TaskerErrorCode } from '../errors/tasker-error.js'
import type { Clock } from '../clock.js'
import { LIMITS } from '../limits.js'
import type { MessageStream, OpenStream } from './transport.js'

export interface LinkPorts<Out, In> {
  readonly open: OpenStream<Out, In>
  readonly clock: Clock
  /** How long `greeted` may take after the opening; undefined where the server speaks only when it is spoken to. */
  readonly greetingMs: number | undefined
  /** Codes of errors that stay however often the stream is opened. */
  readonly final: ReadonlySet<TaskerErrorCode>
  /** A new stream is there: write its first message. */
  readonly onOpen: () => void
  readonly onMessage: (message: In) => void
  readonly onWritable: () => void
  /** The stream was lost and is opened again after the wait. */
  readonly onLost: (error: TaskerError, waitMs: number) => void
  /** Over for good: closed by us (no error), or for an error that no repeat will cure. */
  readonly onClosed: (error: TaskerError | undefined) => void
}

type LinkState<Out> =
  | { readonly type: 'new' }
  | { readonly type: 'open'; readonly stream: MessageStream<Out>; readonly dropDeadline: () => void }
  | { readonly type: 'waiting'; readonly callOff: () => void }
  | { readonly type: 'finishing'; readonly stream: MessageStream<Out>; readonly dropDeadline: () => void }
  | { readonly type: 'closed' }

/** The stream of the moment, and what is done when it is lost. */
export class Link<Out, In> {
  readonly #ports: LinkPorts<Out, In>
  #state: LinkState<Out> = { type: 'new' }
  #failures = 0
  #full = false

  constructor(ports: LinkPorts<Out, In>) {
    this.#ports = ports
  }

  /** Opens the stream for the first time. */
  start(): void {
    if (this.#state.type === 'new') this.#open()
  }

  /** Taken only while a stream is open: ask `writable` first. */
  write(message: Out): void {
    if (this.#state.type === 'open') this.#full = !this.#state.stream.write(message)
  }

  /** Whether a message would be taken now. */
  writable(): boolean {
    return this.#state.type === 'open' && !this.#full
  }

  /** The server has shown that it understands us: the next loss starts with the short wait. */
  greeted(): void {
    this.#failures = 0
    if (this.#state.type === 'open') this.#state.dropDeadline()
  }

  /** Writes nothing more and lets the server close, which it has a moment for. */
  finish(): void {
    if (this.#state.type === 'finishing') return
    if (this.#state.type !== 'open') return this.abort()
    const { stream, dropDeadline } = this.#state
    dropDeadline()
    this.#state = { type: 'finishing', stream, dropDeadline: this.#ports.clock.after(LIMITS.stopMs, () => this.abort()) }
    stream.finish()
  }

  /** Closes at once. */
  abort(): void {
    if (this.#state.type === 'closed') return
    const before = this.#state
    this.#close(undefined)
    if (before.type === 'waiting') before.callOff()
    if (before.type !== 'open' && before.type !== 'finishing') return
    before.dropDeadline()
    before.stream.abort()
  }

  #open(): void {
    const ports = this.#ports
    this.#full = false
    let over = false
    const stream = ports.open({
      onMessage: (message) => {
        if (!over) ports.onMessage(message)
      },
      onWritable: () => {
        this.#full = false
        if (!over) ports.onWritable()
      },
      onEnd: (error) => {
        if (over) return
        over = true
        this.#ended(error)
      },
    })
    const late = (): void => {
      over = true
      stream.abort()
      this.#ended(unavailable('NO_GREETING', 'the server did not greet the stream in time'))
    }
    const dropDeadline = ports.greetingMs === undefined ? nothing : ports.clock.after(ports.greetingMs, late)
    this.#state = { type: 'open', stream, dropDeadline }
    ports.onOpen()
  }

  #ended(error: TaskerError | undefined): void {
    const { clock, final, onLost } = this.#ports
    const before = this.#state
    if (before.type === 'closed') return
    if (before.type === 'open' || before.type === 'finishing') before.dropDeadline()
    if (before.type === 'finishing') return this.#close(undefined)
    if (error !== undefined && final.has(error.code)) return this.#close(error)
    const waitMs = reconnectMs(this.#failures++, clock.draw())
    this.#state = { type: 'waiting', callOff: clock.after(waitMs, () => this.#open()) }
    onLost(error ?? unavailable('STREAM_ENDED', 'the server ended the stream'), waitMs)
  }

  #close(error: TaskerError | undefined): void {
    this.#state = { type: 'closed' }
    this.#ports.onClosed(error)
  }
}

const nothing = (): void => undefined

/** Doubles from the first wait to the longest, drawn between half and whole so that many workers do not come back at once. */
export const reconnectMs = (failures: number, draw: number): number => {
  const whole = Math.min(LIMITS.reconnectMsMin * 2 ** Math.min(failures, 30), LIMITS.reconnectMsMax)
  return whole * (0.5 + draw / 2)
}

const unavailable = (reason: string, message: string): TaskerError =>
  new TaskerError({ code: 'UNAVAILABLE', reason, message, retryable: true })
