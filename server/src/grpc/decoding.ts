/**
 * Reads and writes messages without losing a stream to one of them: bytes that are no message of the expected type, or that hold a number
 * beyond 2^53, come in as a value that says so, where grpc-js would end the stream.
 */

export type Incoming<Message> =
  | { readonly type: 'message'; readonly message: Message }
  | { readonly type: 'malformed'; readonly problem: string }

interface MethodCodec<Request, Response> {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (message: Request) => Buffer
  readonly requestDeserialize: (bytes: Buffer) => Request
  readonly responseSerialize: (message: Response) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Response
}

/** What grpc-js serves for a method when requests may be malformed; the server never serialises a request. */
export interface TolerantMethod<Request, Response> {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (incoming: Incoming<Request>) => Buffer
  readonly requestDeserialize: (bytes: Buffer) => Incoming<Request>
  readonly responseSerialize: (message: Response) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Response
}

export const tolerant = <Request, Response>(method: MethodCodec<Request, Response>): TolerantMethod<Request, Response> => ({
  path: method.path,
  requestStream: method.requestStream,
  responseStream: method.responseStream,
  requestSerialize: (incoming) => (incoming.type === 'message' ? method.requestSerialize(incoming.message) : Buffer.alloc(0)),
  requestDeserialize: (bytes) => decode(method, bytes),
  responseSerialize: method.responseSerialize,
  responseDeserialize: method.responseDeserialize,
})

const decode = <Request>(method: Pick<MethodCodec<Request, never>, 'requestDeserialize'>, bytes: Buffer): Incoming<Request> => {
  try {
    return { type: 'message', message: method.requestDeserialize(bytes) }
  } catch (error) {
    return { type: 'malformed', problem: error instanceof Error ? error.message : 'the bytes are no message' }
  }
}
