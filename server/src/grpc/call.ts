/** The calls that stay open, as far as the door uses them: grpc-js has more, a call within one process has only this. */
import type { Incoming } from './decoding.js'
import type { CallStatus } from './errors.js'

interface ServerCall<Out> {
  /** The transport takes messages again, or the caller is gone. */
  on(event: 'drain' | 'cancelled', listener: () => void): unknown
  /** Ends the call with a status. */
  emit(event: 'error', status: CallStatus): unknown
  /** False when the transport wants no more until `drain`. */
  write(message: Out): boolean
  /** Ends the call in order. */
  end(): unknown
}

/** The server writes, after one request. */
export interface WritableCall<In, Out> extends ServerCall<Out> {
  readonly request: Incoming<In>
}

/** Both write. */
export interface DuplexCall<In, Out> extends ServerCall<Out> {
  on(event: 'data', listener: (incoming: Incoming<In>) => void): unknown
  /** `end`: the caller writes nothing more. */
  on(event: 'drain' | 'cancelled' | 'end', listener: () => void): unknown
  pause(): unknown
  resume(): unknown
  isPaused(): boolean
}
