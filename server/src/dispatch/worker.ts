/** One run of a worker process as the server knows it: what it offers, what it holds, and whether its stream lives. */
import type { HandlerName, Instant, Namespace, WorkerId } from '@tasker/core'
import type { WorkerInfo, WorkerPort } from '../engine/api.js'
import type { Lease } from './lease.js'

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
