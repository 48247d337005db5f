// A server in memory that says only what the test makes it say.
import type {
  CancelRequest,
  ConnectRequest,
  ConnectResponse,
  OrderRequest,
  RegisterRequest,
  SessionRequest,
  SessionResponse,
  SignalTaskRequest,
  StepCommand,
  StepResult,
  SubmitRequest,
  WatchRequest,
  WatchResponse,
} from '@tasker/proto'
import { TaskerError, type MessageStream, type StreamListener, type TaskOrder, type Transport } from '@tasker/sdk'

export interface ScriptedStream<Out, In> {
  /** What the SDK wrote, in order. */
  readonly received: Out[]
  send(message: Partial<In>): void
  /** Breaks the stream, or closes it in order. */
  break(error?: TaskerError): void
  close(): void
  /** Makes the transport say that it has enough, until `unblock`. */
  block(): void
  unblock(): void
  state: 'open' | 'finished' | 'aborted' | 'over'
}

export const unreachable = (): TaskerError =>
  new TaskerError({ code: 'UNAVAILABLE', reason: 'SERVER_UNREACHABLE', message: 'no route', retryable: true })

const scriptedStream = <Out, In>(listener: StreamListener<In>, empty: In): [ScriptedStream<Out, In>, MessageStream<Out>] => {
  let isFull = false
  const end = (error: TaskerError | undefined): void => {
    stream.state = 'over'
    listener.onEnd(error)
  }
  const stream: ScriptedStream<Out, In> = {
    received: [],
    state: 'open',
    send: (message) => listener.onMessage({ ...empty, ...message }),
    break: (error) => end(error ?? unreachable()),
    close: () => end(undefined),
    block: () => {
      isFull = true
    },
    unblock: () => {
      isFull = false
      listener.onWritable()
    },
  }
  const written: MessageStream<Out> = {
    write: (message) => {
      stream.received.push(message)
      return !isFull
    },
    finish: () => {
      stream.state = 'finished'
    },
    abort: () => {
      stream.state = 'aborted'
    },
  }
  return [stream, written]
}

export type WorkerStream = ScriptedStream<ConnectRequest, ConnectResponse>
export type SessionStream = ScriptedStream<SessionRequest, SessionResponse>

export interface ScriptedServer extends Transport {
  readonly workers: WorkerStream[]
  readonly sessions: SessionStream[]
  readonly registered: RegisterRequest[]
  readonly cancelled: CancelRequest[]
  readonly ordered: (OrderRequest & { readonly order: TaskOrder })[]
  readonly signalled: SignalTaskRequest[]
  /** Errors that the next signals are answered with. */
  readonly signalErrors: TaskerError[]
  readonly watched: WatchRequest[]
  /** Errors that the next registrations are answered with. */
  readonly registerErrors: TaskerError[]
  /** What each next call of `watch` gives: its messages, then its end. */
  readonly watchScripts: { readonly messages: readonly WatchResponse[]; readonly error?: TaskerError }[]
  worker(): WorkerStream
  session(): SessionStream
}

const NO_RESPONSE: ConnectResponse = { welcome: undefined, commands: [], acks: [], cancellations: [], problems: [], news: [] }

export const scriptedServer = (): ScriptedServer => {
  const server: ScriptedServer = {
    workers: [],
    sessions: [],
    registered: [],
    cancelled: [],
    ordered: [],
    signalled: [],
    signalErrors: [],
    watched: [],
    registerErrors: [],
    watchScripts: [],
    worker: () => last(server.workers),
    session: () => last(server.sessions),
    openWorker: (listener) => {
      const [stream, written] = scriptedStream<ConnectRequest, ConnectResponse>(listener, NO_RESPONSE)
      server.workers.push(stream)
      return written
    },
    openSession: (listener) => {
      const [stream, written] = scriptedStream<SessionRequest, SessionResponse>(listener, { submitted: [], outcomes: [] })
      server.sessions.push(stream)
      return written
    },
    register: async (request) => {
      server.registered.push(request)
      const error = server.registerErrors.shift()
      if (error !== undefined) throw error
      return { template: undefined, unchanged: false, warnings: [] }
    },
    watch: async function* (request) {
      server.watched.push(request)
      const script = server.watchScripts.shift()
      yield* script?.messages ?? []
      if (script?.error !== undefined) throw script.error
    },
    subscribe: async function* (_request, signal) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    },
    get: async () => ({ task: undefined, asOf: undefined }),
    schedules: {
      createSchedule: noSchedules,
      getSchedule: noSchedules,
      listSchedules: noSchedules,
      editSchedule: noSchedules,
      pauseSchedule: noSchedules,
      resumeSchedule: noSchedules,
      triggerSchedule: noSchedules,
      backfillSchedule: noSchedules,
      deleteSchedule: noSchedules,
    },
    explain: async () => ({ status: '', steps: [], reasons: [], asOf: undefined }),
    compensation: async () => ({ state: '', steps: [], withoutWayBack: [] }),
    diff: async () => ({ same: true, diff: undefined }),
    list: async () => ({ tasks: [], nextCursor: '' }),
    cancel: async (request) => {
      server.cancelled.push(request)
      return { consistencyToken: '' }
    },
    order: async (order, request) => {
      server.ordered.push({ order, ...request })
      return { consistencyToken: '' }
    },
    update: async () => ({ requestId: '', consistencyToken: '', outcome: { $case: 'pending', value: {} } }),
    signal: async (request) => {
      server.signalled.push(request)
      const error = server.signalErrors.shift()
      if (error !== undefined) throw error
      return { consistencyToken: '' }
    },
    shown: async () => ({ values: [{ key: 'phase', value: payload('trial') }] }),
    close: () => undefined,
  }
  return server
}

const last = <Item>(items: readonly Item[]): Item => {
  const item = items.at(-1)
  if (item === undefined) throw new Error('no stream was opened')
  return item
}

export const WELCOME = {
  serverId: 'server-1',
  heartbeatIntervalMs: 5_000,
  graceMs: 10_000,
  silenceMs: 30_000,
  resultBytesMax: 1_000,
  forgotten: [],
}

export const ref = (stepId: string, attempt = 1, taskId = 'T1') => ({ taskId, stepId, attempt })

export const payload = (value: unknown) => ({ encoding: '', data: Buffer.from(JSON.stringify(value)) })

export const command = (handler: string, more: Partial<StepCommand> = {}): StepCommand => ({
  ref: ref(handler),
  handler,
  method: 'call',
  namespace: 'shop',
  templateName: 'order',
  templateVersion: '1.0.0',
  correlationId: 'C1',
  input: payload({}),
  config: payload({}),
  dependencies: [],
  eventDeclarations: [],
  attemptsSinceReset: 1,
  maxAttempts: 3,
  timeoutMs: 60_000,
  heartbeatMs: 0,
  stepType: 'standard',
  resolver: '',
  batch: undefined,
  checkpoint: undefined,
  batchLimits: undefined,
  compensation: undefined,
  function: undefined,
  ...more,
})

/** Every result the worker wrote on a stream. */
export const resultsOf = (stream: WorkerStream): StepResult[] => stream.received.flatMap((message) => message.results)

/** Every submission the client wrote on a stream. */
export const submissionsOf = (stream: SessionStream): SubmitRequest[] => stream.received.flatMap((message) => message.submissions)

export const watchesOf = (stream: SessionStream): string[] => stream.received.flatMap((message) => message.watches)

/** A result's payload as a value; throws when it was no success. */
export const outputOf = (result: StepResult | undefined): unknown => {
  if (result?.outcome?.$case !== 'success') throw new Error(`no success but ${JSON.stringify(result?.outcome)}`)
  return JSON.parse(result.outcome.value.data.toString())
}

export const failureOf = (result: StepResult | undefined) => {
  if (result?.outcome?.$case !== 'failure') throw new Error(`no failure but ${JSON.stringify(result?.outcome)}`)
  return result.outcome.value
}

/** This server plays none; a real one is asked in `test/integration/schedules`. */
const noSchedules = (): Promise<never> => Promise.reject(new Error('this server has no schedules'))
