/** The transport over gRPC: one channel for the streams and the calls. */
import {
  credentials,
  Metadata,
  status,
  type CallOptions,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientOptions,
  type ServiceError,
} from '@grpc/grpc-js'
import {
  ErrorDetail,
  EventServiceClient,
  ScheduleServiceClient,
  TaskServiceClient,
  TemplateServiceClient,
  WorkerServiceClient,
} from '@tasker/proto'
import { TaskerError, type TaskerErrorCode } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import { errorOfDetail } from './problems.js'
import type { MessageStream, StreamListener, Transport } from './transport.js'

export interface GrpcOptions {
  /** Host and port, such as `localhost:9190`. */
  readonly url: string
  /** Certificates and tokens; plain text when not given. */
  readonly credentials?: ChannelCredentials
}

/** No compression: at these sizes it costs eight times what it saves. */
const CHANNEL: ClientOptions = {
  'grpc.max_receive_message_length': LIMITS.transportBytesMax,
  'grpc.max_send_message_length': LIMITS.transportBytesMax,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': LIMITS.reconnectMsMin,
  'grpc.min_reconnect_backoff_ms': LIMITS.reconnectMsMin,
  'grpc.max_reconnect_backoff_ms': LIMITS.reconnectMsMax,
}

/** Connects when it is first used. */
export const grpcTransport = (options: GrpcOptions): Transport => {
  const security = options.credentials ?? credentials.createInsecure()
  const tasks = new TaskServiceClient(options.url, security, CHANNEL)
  const channel: ClientOptions = { ...CHANNEL, channelOverride: tasks.getChannel() }
  const workers = new WorkerServiceClient(options.url, security, channel)
  const templates = new TemplateServiceClient(options.url, security, channel)
  const events = new EventServiceClient(options.url, security, channel)
  const schedules = new ScheduleServiceClient(options.url, security, channel)
  const none = new Metadata()
  return {
    openWorker: (listener) => streamOf(workers.connect(), listener),
    openSession: (listener) => streamOf(tasks.session(), listener),
    watch: (request, signal) => messagesOf(() => tasks.watch(request), signal),
    subscribe: (request, signal) => messagesOf(() => events.subscribe(request), signal),
    register: (request) => answered((callback) => templates.register(request, none, inTime(), callback)),
    get: (request) => answered((callback) => tasks.get(request, none, inTime(), callback)),
    explain: (request) => answered((callback) => tasks.explain(request, none, inTime(), callback)),
    compensation: (request) => answered((callback) => tasks.getCompensation(request, none, inTime(), callback)),
    diff: (request) => answered((callback) => tasks.diff(request, none, inTime(), callback)),
    list: (request) => answered((callback) => tasks.list(request, none, inTime(), callback)),
    cancel: (request) => answered((callback) => tasks.cancel(request, none, inTime(), callback)),
    order: (order, request) => answered((callback) => tasks[order](request, none, inTime(), callback)),
    signal: (request) => answered((callback) => tasks.signalTask(request, none, inTime(), callback)),
    update: (request) => answered((callback) => tasks.updateTask(request, none, inTime(), callback)),
    shown: (request) => answered((callback) => tasks.getTaskState(request, none, inTime(), callback)),
    schedules: scheduleCalls(schedules, none),
    close: () => tasks.close(),
  }
}

const scheduleCalls = (schedules: ScheduleServiceClient, none: Metadata): Transport['schedules'] => ({
  createSchedule: (request) => answered((callback) => schedules.createSchedule(request, none, inTime(), callback)),
  getSchedule: (request) => answered((callback) => schedules.getSchedule(request, none, inTime(), callback)),
  listSchedules: (request) => answered((callback) => schedules.listSchedules(request, none, inTime(), callback)),
  editSchedule: (request) => answered((callback) => schedules.editSchedule(request, none, inTime(), callback)),
  pauseSchedule: (request) => answered((callback) => schedules.pauseSchedule(request, none, inTime(), callback)),
  resumeSchedule: (request) => answered((callback) => schedules.resumeSchedule(request, none, inTime(), callback)),
  triggerSchedule: (request) => answered((callback) => schedules.triggerSchedule(request, none, inTime(), callback)),
  backfillSchedule: (request) => answered((callback) => schedules.backfillSchedule(request, none, inTime(), callback)),
  deleteSchedule: (request) => answered((callback) => schedules.deleteSchedule(request, none, inTime(), callback)),
})

/** The messages of a stream that the server writes, until it ends or the signal aborts. */
async function* messagesOf<Message>(open: () => ClientReadableStream<Message>, signal: AbortSignal): AsyncGenerator<Message> {
  const call = open()
  const abort = (): void => call.cancel()
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (signal.aborted) call.cancel()
    for await (const message of call) yield message as Message
  } catch (error) {
    if (!signal.aborted) throw errorOf(error)
  } finally {
    signal.removeEventListener('abort', abort)
    call.cancel()
  }
}

const inTime = (): CallOptions => ({ deadline: Date.now() + LIMITS.callMs })

const answered = <Response>(
  call: (callback: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> =>
  new Promise((resolve, reject) => {
    call((error, response) => (error === null ? resolve(response) : reject(errorOf(error))))
  })

const streamOf = <Out, In>(call: ClientDuplexStream<Out, In>, listener: StreamListener<In>): MessageStream<Out> => {
  let over = false
  const end = (error: TaskerError | undefined): void => {
    if (over) return
    over = true
    listener.onEnd(error)
  }
  call.on('data', (message: In) => listener.onMessage(message))
  call.on('drain', () => listener.onWritable())
  call.on('error', (error) => end(errorOf(error)))
  call.on('end', () => end(undefined))
  return {
    write: (message) => call.write(message),
    finish: () => void call.end(),
    abort: () => call.cancel(),
  }
}

const CODE_OF: ReadonlyMap<number, TaskerErrorCode> = new Map<number, TaskerErrorCode>([
  [status.NOT_FOUND, 'NOT_FOUND'],
  [status.ALREADY_EXISTS, 'CONFLICT'],
  [status.ABORTED, 'CONFLICT'],
  [status.INVALID_ARGUMENT, 'INVALID_INPUT'],
  [status.FAILED_PRECONDITION, 'INVALID_STATE'],
  [status.UNAUTHENTICATED, 'UNAUTHENTICATED'],
  [status.PERMISSION_DENIED, 'FORBIDDEN'],
  [status.OUT_OF_RANGE, 'TOO_LARGE'],
  [status.RESOURCE_EXHAUSTED, 'BACKPRESSURE'],
  [status.UNAVAILABLE, 'UNAVAILABLE'],
  [status.DEADLINE_EXCEEDED, 'UNAVAILABLE'],
  [status.CANCELLED, 'UNAVAILABLE'],
])

/** What the server says of itself is in the trailer `tasker-error-bin`; what the network says has only a status. */
const errorOf = (thrown: unknown): TaskerError => {
  if (thrown instanceof TaskerError) return thrown
  if (!isServiceError(thrown)) {
    return new TaskerError({ code: 'INTERNAL', reason: 'TRANSPORT_FAILED', message: 'the transport failed' }, thrown)
  }
  const [detail] = thrown.metadata.get('tasker-error-bin')
  if (Buffer.isBuffer(detail)) return errorOfDetail(ErrorDetail.decode(detail))
  const code = CODE_OF.get(thrown.code) ?? 'INTERNAL'
  const reason = code === 'UNAVAILABLE' ? 'SERVER_UNREACHABLE' : `GRPC_STATUS_${thrown.code}`
  return new TaskerError(
    { code, reason, message: thrown.details, retryable: code === 'UNAVAILABLE' || code === 'BACKPRESSURE' },
    thrown,
  )
}

const isServiceError = (thrown: unknown): thrown is ServiceError =>
  thrown instanceof Error &&
  'code' in thrown &&
  'details' in thrown &&
  'metadata' in thrown &&
  thrown.metadata instanceof Metadata
