/** A worker written by hand on a raw stream: it says what the test makes it say, and is heard in between. */
import { monotonicFactory } from 'ulid'
import type { RawAck, RawClient, RawCommand, RawConnectResponse, RawError, RawRef, RawStream, RawWelcome } from './raw-client.js'
import { json } from './raw-client.js'

export const makeId = monotonicFactory()

export interface RawWorkerOptions {
  readonly namespace: string
  readonly handlers: readonly string[]
  readonly slots?: number
  /** The same as before: a reconnect. */
  readonly workerId?: string
  readonly running?: readonly RawRef[]
  /** False: it is as silent as a frozen process. */
  readonly isHeard?: boolean
}

export interface RawWorker {
  readonly workerId: string
  readonly stream: RawStream<RawConnectResponse>
  readonly welcome: RawWelcome
  /** The next command, acknowledgement and so on, each given once. */
  readonly command: () => Promise<RawCommand>
  readonly ack: () => Promise<RawAck>
  readonly cancellation: () => Promise<RawRef>
  readonly problem: () => Promise<RawError>
  /** Every command so far. */
  commands(): readonly RawCommand[]
  succeed(ref: RawRef, output?: unknown): void
  fail(ref: RawRef, failure: { readonly message: string; readonly retryable: boolean }): void
  send(message: object): void
  /** Ends as a lost network would. */
  break(): Promise<void>
}

/** Says hello and waits for the welcome. */
export const startWorker = async (client: RawClient, options: RawWorkerOptions): Promise<RawWorker> => {
  const workerId = options.workerId ?? makeId()
  const stream = client.connect()
  stream.write({
    hello: {
      worker_id: workerId,
      namespace: options.namespace,
      handlers: options.handlers,
      slots: options.slots ?? 10,
      code_version: '',
      sdk: 'conformance/1',
      host: 'localhost',
      running: options.running ?? [],
    },
  })
  const { inbox } = stream
  const welcome = await inbox.item((message) => (message.welcome === null ? [] : [message.welcome]), 0)
  const pings = options.isHeard === false ? undefined : setInterval(() => stream.write({}), welcome.heartbeat_interval_ms)
  const stopPings = (): void => clearInterval(pings)
  stream.ended.then(stopPings, stopPings)
  const taken = { commands: 0, acks: 0, cancellations: 0, problems: 0 }
  return {
    workerId,
    stream,
    welcome,
    command: () => inbox.item((message) => message.commands, taken.commands++),
    ack: () => inbox.item((message) => message.acks, taken.acks++),
    cancellation: () => inbox.item((message) => message.cancellations.map(({ ref }) => ref), taken.cancellations++),
    problem: () => inbox.item((message) => message.problems, taken.problems++),
    commands: () => inbox.messages.flatMap((message) => message.commands),
    succeed: (ref, output = null) => stream.write({ results: [{ ref, success: json(output) }] }),
    fail: (ref, failure) => stream.write({ results: [{ ref, failure }] }),
    send: (message) => stream.write(message),
    break: async () => {
      stream.break()
      await stream.ended
    },
  }
}
