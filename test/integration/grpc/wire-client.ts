/** A client that speaks the protocol from its stubs alone, and keeps what it hears. */
import { credentials, Metadata, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js'
import {
  ErrorDetail,
  TaskServiceClient,
  TemplateServiceClient,
  WorkerServiceClient,
  type ConnectRequest,
  type ConnectResponse,
  type ListRequest,
  type SessionRequest,
  type SessionResponse,
  type StepResult,
  type SubmitRequest,
  type WorkerHello,
} from '@tasker/proto'

export const WORKER_ID = '01JGZZZZZZZZZZZZZZZZZZZZZZ'
export const TASK_ID = '01JGZZZZZZ0000000000000001'

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024

export interface Clients {
  readonly worker: WorkerServiceClient
  readonly tasks: TaskServiceClient
  readonly templates: TemplateServiceClient
  close(): void
}

export const clientsTo = (port: number): Clients => {
  const address = `127.0.0.1:${port}`
  const options = { 'grpc.max_receive_message_length': MESSAGE_BYTES_MAX, 'grpc.use_local_subchannel_pool': 1 }
  const worker = new WorkerServiceClient(address, credentials.createInsecure(), options)
  const tasks = new TaskServiceClient(address, credentials.createInsecure(), options)
  const templates = new TemplateServiceClient(address, credentials.createInsecure(), options)
  return {
    worker,
    tasks,
    templates,
    close: () => {
      for (const client of [worker, tasks, templates]) client.close()
    },
  }
}

/** A stream's messages, as they come. */
export interface Heard<Request, Response> {
  readonly call: ClientDuplexStream<Request, Response>
  readonly messages: Response[]
  readonly ended: Promise<{ readonly code: number; readonly error: ServiceError | undefined }>
  /** Resolves when the condition holds over what was heard. */
  until(condition: (messages: readonly Response[]) => boolean): Promise<void>
}

export const hearing = <Request, Response>(call: ClientDuplexStream<Request, Response>): Heard<Request, Response> => {
  const messages: Response[] = []
  const waiting: { readonly condition: (messages: readonly Response[]) => boolean; readonly resolve: () => void }[] = []
  call.on('data', (message: Response) => {
    messages.push(message)
    for (const wait of [...waiting]) {
      if (!wait.condition(messages)) continue
      waiting.splice(waiting.indexOf(wait), 1)
      wait.resolve()
    }
  })
  const ended = new Promise<{ readonly code: number; readonly error: ServiceError | undefined }>((resolve) => {
    let error: ServiceError | undefined
    call.on('error', (failed: ServiceError) => {
      error = failed
    })
    call.on('status', ({ code }: { code: number }) => setImmediate(() => resolve({ code, error })))
  })
  return {
    call,
    messages,
    ended,
    until: (condition) =>
      condition(messages) ? Promise.resolve() : new Promise((resolve) => waiting.push({ condition, resolve: () => resolve() })),
  }
}

export const connectWorker = (clients: Clients): Heard<ConnectRequest, ConnectResponse> => hearing(clients.worker.connect())

export const openSession = (clients: Clients): Heard<SessionRequest, SessionResponse> => hearing(clients.tasks.session())

export const hello = (more: Partial<WorkerHello> = {}): WorkerHello => ({
  workerId: WORKER_ID,
  namespace: 'shop',
  handlers: ['Handlers.a'],
  slots: 10,
  codeVersion: '1',
  sdk: 'test/1',
  host: 'here',
  running: [],
  ...more,
})

export const request = (more: Partial<ConnectRequest> = {}): ConnectRequest => ({
  hello: undefined,
  results: [],
  records: [],
  journalsWanted: [],
  heartbeats: [],
  drain: undefined,
  ...more,
})

export const success = (text: string, more: { readonly attempt?: number; readonly stepId?: string } = {}): StepResult => ({
  ref: { taskId: TASK_ID, stepId: more.stepId ?? 'a', attempt: more.attempt ?? 1 },
  outcome: { $case: 'success', value: { encoding: '', data: Buffer.from(text) } },
  metadata: undefined,
  events: [],
})

export const submission = (more: Partial<SubmitRequest> = {}): SubmitRequest => ({
  requestId: '',
  namespace: 'shop',
  name: 'order',
  version: '',
  context: { encoding: '', data: Buffer.from('{"n":1}') },
  initiator: '',
  sourceSystem: '',
  reason: '',
  tags: [],
  priority: undefined,
  correlationId: '',
  parentCorrelationId: '',
  idempotencyKey: '',
  runAtMs: 0,
  delayMs: 0,
  onDuplicate: 0,
  signal: undefined,
  watchOutcome: false,
  ...more,
})

/** The detail a failed call carries in its trailers. */
export const detailOf = (error: ServiceError | undefined): ErrorDetail | undefined => {
  const bytes = (error?.metadata ?? new Metadata()).get('tasker-error-bin')[0]
  return bytes instanceof Buffer ? ErrorDetail.decode(bytes) : undefined
}

/** A unary call's error. */
export const failureOf = (call: (callback: (error: ServiceError | null) => void) => unknown): Promise<ServiceError> =>
  new Promise((resolve, reject) => {
    call((error) => (error === null ? reject(new Error('the call was expected to fail')) : resolve(error)))
  })

/** A list request in which only these fields are set. */
export const listRequest = (parts: Partial<ListRequest> = {}): ListRequest => ({
  namespace: '',
  name: '',
  version: '',
  status: [],
  tag: '',
  correlationId: '',
  limit: 0,
  cursor: '',
  consistencyTokens: [],
  initiator: '',
  createdFromMs: 0,
  createdBeforeMs: 0,
  updatedFromMs: 0,
  updatedBeforeMs: 0,
  text: '',
  order: 0,
  ...parts,
})
