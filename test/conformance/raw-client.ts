/** A client that knows the protocol from the .proto files alone: no SDK, no generated stubs, as any other language would have it. */
import { fileURLToPath } from 'node:url'
import { Client, credentials, Metadata, type ClientDuplexStream, type ServiceError, type StatusObject } from '@grpc/grpc-js'
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader'
import { createInbox, type Inbox } from './inbox.js'

export interface RawRef {
  readonly task_id: string
  readonly step_id: string
  readonly attempt: number
}

export interface RawPayload {
  readonly encoding?: string
  readonly data: Buffer
}

export interface RawFailure {
  readonly message: string
  readonly error_type?: string
  readonly code?: string
  readonly retryable: boolean
  readonly retry_after_ms?: number
}

export interface RawError {
  readonly code: string
  readonly reason: string
  readonly message: string
  readonly errors: readonly { readonly path: string }[]
}

export interface RawCommand {
  readonly ref: RawRef
  readonly handler: string
  readonly method: string
  readonly namespace: string
  readonly template_name: string
  readonly input: RawPayload
  readonly dependencies: readonly { readonly step_id: string; readonly output: RawPayload }[]
  readonly attempts_since_reset: number
  readonly max_attempts: number
  readonly timeout_ms: number
  readonly step_type: string
  readonly batch: RawBatch | null
  readonly checkpoint: RawCheckpoint | null
  readonly batch_limits: { readonly worker_template: string; readonly batch_size: number; readonly max_workers: number } | null
}

export interface RawBatch {
  readonly id: string
  readonly index: number
  readonly count: number
  readonly start: RawPayload
  readonly end: RawPayload
  readonly size: number
  readonly is_no_op: boolean
  readonly worker_template: string
}

export interface RawCheckpoint {
  readonly number: number
  readonly cursor: RawPayload
  readonly items_processed: number
  readonly accumulated: RawPayload | null
}

export interface RawWelcome {
  readonly server_id: string
  readonly heartbeat_interval_ms: number
  readonly grace_ms: number
  readonly silence_ms: number
  readonly result_bytes_max: number
  readonly forgotten: readonly RawRef[]
}

export interface RawAck {
  readonly ref: RawRef
  readonly status: string
  readonly reason: string
  readonly checkpoint: number
}

export interface RawConnectResponse {
  readonly welcome: RawWelcome | null
  readonly commands: readonly RawCommand[]
  readonly acks: readonly RawAck[]
  readonly cancellations: readonly { readonly ref: RawRef }[]
  readonly problems: readonly RawError[]
}

export interface RawSubmitted {
  readonly request_id: string
  readonly task_id: string
  readonly existing: boolean
  readonly consistency_token: string
  readonly error: RawError | null
}

export interface RawOutcome {
  readonly task_id: string
  readonly outcome: 'completed' | 'cancelled' | 'blocked' | 'error'
  readonly completed?: RawPayload
  readonly blocked?: { readonly steps: readonly { readonly step_id: string; readonly failure: RawFailure }[] }
  readonly cancelled?: { readonly reason: string }
  readonly error?: RawError
}

export interface RawSessionResponse {
  readonly submitted: readonly RawSubmitted[]
  readonly outcomes: readonly RawOutcome[]
}

export interface RawStep {
  readonly step_id: string
  readonly status: string
  readonly attempts: number
  readonly attempts_since_reset: number
  readonly output: RawPayload | null
  readonly last_failure: RawFailure | null
}

export interface RawTask {
  readonly task_id: string
  readonly status: string
  readonly stream_version: number
  readonly steps: readonly RawStep[]
}

export interface RawEvent {
  readonly version: number
  readonly type: string
  readonly data: RawPayload
}

/** One open stream, written by hand. */
export interface RawStream<Response> {
  readonly inbox: Inbox<Response>
  write(message: object): void
  /** Bytes that need not be a message. */
  writeBytes(bytes: Buffer): void
  /** Says that nothing more comes. */
  end(): void
  /** Breaks the stream as a lost network would. */
  break(): void
  /** How the server ended it. */
  readonly ended: Promise<StatusObject>
}

export interface RawClient {
  connect(): RawStream<RawConnectResponse>
  session(): RawStream<RawSessionResponse>
  /** A unary call by its name, such as `TaskService/Get`; rejects with the `ServiceError`. */
  call<Response>(name: string, request: object): Promise<Response>
  /** Everything a server stream sends until its end. */
  collect<Response>(name: string, request: object): Promise<readonly Response[]>
  close(): void
}

type Method = MethodDefinition<object, object>

const BYTES_MAX = 64 * 1024 * 1024
const PROTO_ROOT = fileURLToPath(new URL('.', import.meta.resolve('@tasker/proto/package.json')))
const FILES = ['worker', 'task', 'template'].map((name) => `tasker/v1/${name}.proto`)

/** snake_case as in the files, numbers for 64 bits, names for enums, empty lists for absent ones. */
const load = () =>
  loadSync(FILES, { includeDirs: [PROTO_ROOT], keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true })

export const rawClient = (url: string): RawClient => {
  const definitions = load()
  const options = { 'grpc.max_receive_message_length': BYTES_MAX, 'grpc.max_send_message_length': BYTES_MAX }
  const client = new Client(url, credentials.createInsecure(), { ...options, 'grpc.use_local_subchannel_pool': 1 })
  const method = (name: string): Method => {
    const [service = '', rpc = ''] = name.split('/')
    // What a package definition holds under a service's name is its methods.
    const definition = (definitions[`tasker.v1.${service}`] as ServiceDefinition | undefined)?.[rpc]
    if (definition === undefined) throw new Error(`the .proto files have no ${name}`)
    return definition
  }
  const open = <Response>(name: string): RawStream<Response> => {
    const { path, requestSerialize, responseDeserialize } = method(name)
    const serialize = (message: object): Buffer => (Buffer.isBuffer(message) ? message : requestSerialize(message))
    return streamOf<Response>(client.makeBidiStreamRequest(path, serialize, responseDeserialize))
  }
  return {
    connect: () => open('WorkerService/Connect'),
    session: () => open('TaskService/Session'),
    call: (name, request) => {
      const { path, requestSerialize, responseDeserialize } = method(name)
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), {}, (error, response) => {
          if (error === null) resolve(response as never)
          else reject(error)
        })
      })
    },
    collect: (name, request) => {
      const { path, requestSerialize, responseDeserialize } = method(name)
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request)
      const messages: object[] = []
      return new Promise((resolve, reject) => {
        call.on('data', (message: object) => messages.push(message))
        call.on('error', reject)
        call.on('end', () => resolve(messages as never))
      })
    },
    close: () => client.close(),
  }
}

const streamOf = <Response>(call: ClientDuplexStream<object, object>): RawStream<Response> => {
  const inbox = createInbox<Response>()
  // The .proto files say what a message holds; the interfaces above say it again.
  call.on('data', (message: object) => inbox.put(message as Response))
  // The status tells the same.
  call.on('error', (error: ServiceError) => inbox.end(`the stream ended with ${error.message}`))
  const ended = new Promise<StatusObject>((resolve) => {
    call.on('status', (status: StatusObject) => {
      inbox.end(`the stream ended with status ${status.code}`)
      resolve(status)
    })
  })
  return {
    inbox,
    write: (message) => void call.write(message),
    writeBytes: (bytes) => void call.write(bytes),
    end: () => void call.end(),
    break: () => call.cancel(),
    ended,
  }
}

export const json = (value: unknown): RawPayload => ({ encoding: '', data: Buffer.from(JSON.stringify(value)) })

export const valueOf = (payload: RawPayload | null | undefined): unknown =>
  payload === null || payload === undefined ? undefined : JSON.parse(payload.data.toString())
