/** One run of a worker process as the server knows it: what it offers, the leases it holds, and whether its stream lives. */
import type { DurationMs, HandlerName, Instant, JsonText, Namespace, TimeoutKind, WorkerId } from '@tasker/core'
import type { AttemptRef, WorkerInfo, WorkerPort } from '../engine/api.js'
import type { WheelTimer } from '../timers/timer-wheel.js'

export interface ConnectedWorker {
  readonly id: WorkerId
  namespace: Namespace
  handlers: readonly HandlerName[]
  slots: number
  /** Slots taken: by leases, and by starts that are being decided. */
  busy: number
  state: 'connected' | 'draining' | 'disconnected'
  /** Undefined while the stream is broken. */
  port: WorkerPort | undefined
  readonly leases: Map<string, Lease>
  lastHeardMs: number
  /** Set while disconnected: calls off the end of the grace. */
  stopGrace: (() => void) | undefined
  host: string
  sdk: string
  codeVersion: string
  connectedAt: Instant
}

/** A worker's right to one attempt, from the decision to start it until its end. */
export interface Lease extends AttemptRef {
  readonly worker: ConnectedWorker
  timeout: WheelTimer
  /** Undefined when its handler need not say that it is alive. */
  readonly pulse: Pulse | undefined
  /** The command has left for the worker: only then may the worker know of it. */
  sent: boolean
  cancelRequested: boolean
  /** The last progress its handler told, for people. */
  progress: JsonText | undefined
  /** When its handler was last heard. */
  heardAt: Instant | undefined
  /** What its worker was told of the journal, when it runs a durable function; undefined while that is not known. */
  told: ToldJournal | undefined
  /** The highest number of a record of the attempt that is durable. */
  recorded: number
}

/** The first so many facts of a life of a function. */
export interface ToldJournal {
  readonly life: number
  readonly facts: number
}

/** The times of an attempt that are kept with its lease. */
export type AttemptTimeout = Extract<TimeoutKind, 'start_to_close' | 'heartbeat'>

/** The signs of life of one attempt, by the monotonic clock. */
export interface Pulse {
  readonly everyMs: DurationMs
  lastMs: number
  /** Calls off the next look. */
  stop: () => void
}

export const workerInfo = (worker: ConnectedWorker): WorkerInfo => ({
  workerId: worker.id,
  namespace: worker.namespace,
  handlers: worker.handlers,
  slots: worker.slots,
  busy: worker.busy,
  state: worker.state,
  host: worker.host,
  sdk: worker.sdk,
  codeVersion: worker.codeVersion,
  connectedAt: worker.connectedAt,
})

/** The name of a ready queue. */
export const queueKey = (namespace: Namespace, handler: HandlerName): string => `${namespace}\n${handler}`

/** The key of an attempt among leases. */
export const refKey = ({ taskId, step, attempt }: AttemptRef): string => `${taskId}/${attempt}/${step}`
