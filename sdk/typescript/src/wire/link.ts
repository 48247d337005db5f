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

export interface Link<Out> {
  /** Opens the stream for the first time. */
  start(): void
  /** Taken only while a stream is open: ask `writable` first. */
  write(message: Out): void
  /** Whether a message would be taken now. */
  writable(): boolean
  /** The server has shown that it understands us: the next loss starts with the short wait. */
  greeted(): void
  /** Writes nothing more and lets the server close, which it has a moment for. */
  finish(): void
  /** Closes at once. */
  abort(): void
}

export const createLink = <Out, In>(ports: LinkPorts<Out, In>): Link<Out> => {
  let state: LinkState<Out> = { type: 'new' }
  let failures = 0
  let full = false

  const open = (): void => {
    full = false
    let over = false
    const stream = ports.open({
      onMessage: (message) => {
        if (!over) ports.onMessage(message)
      },
      onWritable: () => {
        full = false
        if (!over) ports.onWritable()
      },
      onEnd: (error) => {
        if (over) return
        over = true
        ended(error)
      },
    })
    const late = (): void => {
      over = true
      stream.abort()
      ended(unavailable('NO_GREETING', 'the server did not greet the stream in time'))
    }
    const dropDeadline = ports.greetingMs === undefined ? nothing : ports.clock.after(ports.greetingMs, late)
    state = { type: 'open', stream, dropDeadline }
    ports.onOpen()
  }

  const ended = (error: TaskerError | undefined): void => {
    if (state.type === 'closed') return
    if (state.type === 'open' || state.type === 'finishing') state.dropDeadline()
    if (state.type === 'finishing') return closed(undefined)
    if (error !== undefined && ports.final.has(error.code)) return closed(error)
    const waitMs = reconnectMs(failures++, ports.clock.draw())
    state = { type: 'waiting', callOff: ports.clock.after(waitMs, open) }
    ports.onLost(error ?? unavailable('STREAM_ENDED', 'the server ended the stream'), waitMs)
  }

  const closed = (error: TaskerError | undefined): void => {
    state = { type: 'closed' }
    ports.onClosed(error)
  }

  const abort = (): void => {
    if (state.type === 'closed') return
    const before = state
    closed(undefined)
    if (before.type === 'waiting') before.callOff()
    if (before.type !== 'open' && before.type !== 'finishing') return
    before.dropDeadline()
    before.stream.abort()
  }

  return {
    start: () => {
      if (state.type === 'new') open()
    },
    write: (message) => {
      if (state.type === 'open') full = !state.stream.write(message)
    },
    writable: () => state.type === 'open' && !full,
    greeted: () => {
      failures = 0
      if (state.type === 'open') state.dropDeadline()
    },
    finish: () => {
      if (state.type !== 'open') return abort()
      const { stream } = state
      state.dropDeadline()
      state = { type: 'finishing', stream, dropDeadline: ports.clock.after(LIMITS.stopMs, abort) }
      stream.finish()
    },
    abort,
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
