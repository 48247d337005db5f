/** The port to the server: two streams and a few calls. gRPC is behind it in production, a script in tests. */
import type {
  BackfillScheduleRequest,
  CreateScheduleRequest,
  DeleteScheduleResponse,
  EditScheduleRequest,
  ListSchedulesRequest,
  ListSchedulesResponse,
  Schedule,
  ScheduleNoteRequest,
  ScheduleRef,
  CancelRequest,
  CancelResponse,
  ConnectRequest,
  ConnectResponse,
  DiffRequest,
  DiffResponse,
  ExplainRequest,
  ExplainResponse,
  GetCompensationRequest,
  GetCompensationResponse,
  GetRequest,
  GetResponse,
  GetTaskStateRequest,
  GetTaskStateResponse,
  ListRequest,
  ListResponse,
  OrderRequest,
  OrderResponse,
  RegisterRequest,
  RegisterResponse,
  SessionRequest,
  SessionResponse,
  SignalTaskRequest,
  SignalTaskResponse,
  UpdateTaskRequest,
  UpdateTaskResponse,
  SubscribeRequest,
  SubscribeResponse,
  WatchRequest,
  WatchResponse,
} from '@tasker/proto'
import type { TaskerError } from '../errors/tasker-error.js'

export interface StreamListener<In> {
  readonly onMessage: (message: In) => void
  /** The transport can take more after a `write` that gave false. */
  readonly onWritable: () => void
  /** The stream is over; called once, and nothing after it. No error: the server closed it in order. */
  readonly onEnd: (error: TaskerError | undefined) => void
}

export interface MessageStream<Out> {
  /** False when the transport has enough for now; the message is taken all the same. */
  write(message: Out): boolean
  /** Says that nothing more is written; the server's messages go on until it closes. */
  finish(): void
  /** Ends the stream at once, both ways. */
  abort(): void
}

export type OpenStream<Out, In> = (listener: StreamListener<In>) => MessageStream<Out>

/** What an operator may order of a task beside its cancellation. */
export type TaskOrder = 'pause' | 'resume' | 'retry' | 'resolve'

export interface ScheduleCalls {
  readonly createSchedule: (request: CreateScheduleRequest) => Promise<Schedule>
  readonly getSchedule: (request: ScheduleRef) => Promise<Schedule>
  readonly listSchedules: (request: ListSchedulesRequest) => Promise<ListSchedulesResponse>
  readonly editSchedule: (request: EditScheduleRequest) => Promise<Schedule>
  readonly pauseSchedule: (request: ScheduleNoteRequest) => Promise<Schedule>
  readonly resumeSchedule: (request: ScheduleNoteRequest) => Promise<Schedule>
  readonly triggerSchedule: (request: ScheduleRef) => Promise<Schedule>
  readonly backfillSchedule: (request: BackfillScheduleRequest) => Promise<Schedule>
  readonly deleteSchedule: (request: ScheduleRef) => Promise<DeleteScheduleResponse>
}

/** All calls reject with a `TaskerError`. */
export interface Transport {
  readonly openWorker: OpenStream<ConnectRequest, ConnectResponse>
  readonly openSession: OpenStream<SessionRequest, SessionResponse>
  readonly watch: (request: WatchRequest, signal: AbortSignal) => AsyncIterable<WatchResponse>
  readonly subscribe: (request: SubscribeRequest, signal: AbortSignal) => AsyncIterable<SubscribeResponse>
  readonly register: (request: RegisterRequest) => Promise<RegisterResponse>
  readonly get: (request: GetRequest) => Promise<GetResponse>
  readonly explain: (request: ExplainRequest) => Promise<ExplainResponse>
  readonly compensation: (request: GetCompensationRequest) => Promise<GetCompensationResponse>
  readonly diff: (request: DiffRequest) => Promise<DiffResponse>
  readonly list: (request: ListRequest) => Promise<ListResponse>
  readonly order: (order: TaskOrder, request: OrderRequest) => Promise<OrderResponse>
  readonly cancel: (request: CancelRequest) => Promise<CancelResponse>
  readonly signal: (request: SignalTaskRequest) => Promise<SignalTaskResponse>
  /** Answered in time, or `pending`. */
  readonly update: (request: UpdateTaskRequest) => Promise<UpdateTaskResponse>
  /** What a durable function shows. */
  readonly shown: (request: GetTaskStateRequest) => Promise<GetTaskStateResponse>
  readonly schedules: ScheduleCalls
  readonly close: () => void
}
