/** The gRPC door without a wire: what the SDK asks of a server in its own process is answered by the same streams and calls, handed over in memory. */
import { present } from '@tasker/core'
import {
  ErrorDetail,
  type CancelRequest,
  type CancelResponse,
  type ConnectRequest,
  type ConnectResponse,
  type DiffRequest,
  type DiffResponse,
  type ExplainRequest,
  type ExplainResponse,
  type GetCompensationRequest,
  type GetCompensationResponse,
  type GetRequest,
  type GetResponse,
  type GetTaskStateRequest,
  type GetTaskStateResponse,
  type ListRequest,
  type ListResponse,
  type OrderRequest,
  type OrderResponse,
  type RegisterRequest,
  type RegisterResponse,
  type SessionRequest,
  type SessionResponse,
  type SignalTaskRequest,
  type SignalTaskResponse,
  type UpdateTaskRequest,
  type UpdateTaskResponse,
  type SubscribeRequest,
  type SubscribeResponse,
  type WatchRequest,
  type WatchResponse,
} from '@tasker/proto'
import type { Engine } from '../engine/api.js'
import type { FaultDetail } from '../faults.js'
import { DOOR_LIMITS, type DoorLogger, type EngineDoor, type WorkerTimes } from './door.js'
import { callStatus, type CallStatus, faultOf } from './errors.js'
import { inProcessSchedules } from './in-process-schedules.js'
import { type CallerSide, type CallListener, MemoryCall, writableCall } from './memory-call.js'
import { openStreams, type OpenStream } from './open-streams.js'
import { cancelTask, orderTask } from './order-calls.js'
import { serveSession } from './session-stream.js'
import { getTaskState, signalTask } from './signal-calls.js'
import { updateTask } from './update-calls.js'
import { serveSubscription } from './subscribe-stream.js'
import { getTask, listTasks, type TaskLists } from './task-calls.js'
import { diff, explain, getCompensation } from './task-explain.js'
import { registerTemplate } from './template-calls.js'
import { serveWatch } from './watch-stream.js'
import { serveWorker } from './worker-stream.js'

/** What a worker and a client ask of a server. Calls reject with a `CallStatus`, as a stream ends with one. */
export interface InProcessDoor {
  openWorker(listener: CallListener<ConnectResponse>): CallerSide<ConnectRequest>
  openSession(listener: CallListener<SessionResponse>): CallerSide<SessionRequest>
  watch(request: WatchRequest, listener: CallListener<WatchResponse>): CallerSide<never>
  subscribe(request: SubscribeRequest, listener: CallListener<SubscribeResponse>): CallerSide<never>
  register(request: RegisterRequest): Promise<RegisterResponse>
  get(request: GetRequest): Promise<GetResponse>
  explain(request: ExplainRequest): Promise<ExplainResponse>
  compensation(request: GetCompensationRequest): Promise<GetCompensationResponse>
  diff(request: DiffRequest): Promise<DiffResponse>
  list(request: ListRequest): Promise<ListResponse>
  cancel(request: CancelRequest): Promise<CancelResponse>
  order(order: 'pause' | 'resume' | 'retry' | 'resolve', request: OrderRequest): Promise<OrderResponse>
  signal(request: SignalTaskRequest): Promise<SignalTaskResponse>
  update(request: UpdateTaskRequest): Promise<UpdateTaskResponse>
  shown(request: GetTaskStateRequest): Promise<GetTaskStateResponse>
  readonly schedules: ReturnType<typeof inProcessSchedules>
  /** Ends the streams as a server that stops does, and takes no more. */
  stop(): void
  /** The server is gone from one moment to the next: every call that is open breaks, and none is answered. */
  kill(): void
}

export interface InProcessDeps {
  readonly engine: Engine
  readonly lists: TaskLists
  readonly logger: DoorLogger
  readonly serverId: string
  readonly workerTimes: WorkerTimes
}

export const inProcessDoor = ({ engine, logger, serverId, lists, workerTimes }: InProcessDeps): InProcessDoor => {
  const door: EngineDoor = { engine, logger, serverId, workerTimes, limits: DOOR_LIMITS }
  const streams = openStreams(DOOR_LIMITS.streamsMax)
  const cuts = new Set<() => void>()
  let gone = false
  const opened = <In, Out>(
    listener: CallListener<Out>,
    serve: (call: MemoryCall<In, Out>, ended: () => void) => OpenStream,
  ): MemoryCall<In, Out> => {
    const cut = (): void => call.cut(callStatus(GONE))
    const call = new MemoryCall<In, Out>(listener, () => cuts.delete(cut))
    cuts.add(cut)
    const fault = gone ? GONE : streams.serve((ended) => serve(call, ended))
    if (fault !== undefined) call.emit('error', callStatus(fault))
    return call
  }
  const answered = <Response>(answer: () => Promise<Response>): Promise<Response> =>
    new Promise((resolve, reject) => {
      const cut = (): void => reject(callStatus(GONE))
      if (gone) return cut()
      cuts.add(cut)
      answer()
        .finally(() => cuts.delete(cut))
        .then(resolve, (error: unknown) => reject(callStatus(faultOf(error, logger))))
    })
  return {
    openWorker: (listener) => opened<ConnectRequest, ConnectResponse>(listener, (call, ended) => serveWorker(door, call, ended)),
    openSession: (listener) =>
      opened<SessionRequest, SessionResponse>(listener, (call, ended) => serveSession(door, call, ended)),
    watch: (request, listener) =>
      opened<never, WatchResponse>(listener, (call, ended) => serveWatch(door, writableCall(request, call), ended)),
    subscribe: (request, listener) =>
      opened<never, SubscribeResponse>(listener, (call, ended) => serveSubscription(door, writableCall(request, call), ended)),
    register: (request) => answered(() => registerTemplate(door, request)),
    get: (request) => answered(() => getTask(door, request)),
    explain: (request) => answered(() => explain(door, request)),
    compensation: (request) => answered(() => getCompensation(door, request)),
    diff: (request) => answered(() => diff(door, request)),
    list: (request) => answered(() => listTasks({ query: lists }, request)),
    cancel: (request) => answered(() => cancelTask(door, request)),
    order: (order, request) => answered(() => orderTask(order)(door, request)),
    signal: (request) => answered(() => signalTask(door, request)),
    update: (request) => answered(() => updateTask(door, request, new AbortController().signal)),
    shown: (request) => answered(() => getTaskState(door, request)),
    schedules: inProcessSchedules(door, answered),
    stop: () => streams.stop(),
    kill: () => {
      gone = true
      for (const cut of [...cuts]) cut()
    },
  }
}

/** What a caller hears of a server that is not there any more. */
const GONE: FaultDetail = {
  code: 'UNAVAILABLE',
  reason: 'SERVER_UNREACHABLE',
  message: 'the server is gone',
  retryable: true,
}

/** What a status says of itself, as a client reads it from the trailers. */
export const statusDetail = ({ metadata }: CallStatus): ErrorDetail => {
  const [detail] = metadata.get('tasker-error-bin')
  return ErrorDetail.decode(Buffer.from(present(detail, 'what a status says')))
}
