/** What the gRPC door is given by the wiring, and the bounds it keeps. */
import { LIMITS, type DurationMs } from '@tasker/core'
import type { Engine } from '../engine/api.js'
import type { AnalyticsSource } from '../query/analyse.js'
import type { Query } from '../query/query.js'

/** The part of a structured logger that the door uses; pino fits. */
export interface DoorLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What `welcome` tells workers about time; the engine must be given the same. */
export interface WorkerTimes {
  readonly heartbeatIntervalMs: DurationMs
  readonly graceMs: DurationMs
  readonly silenceMs: DurationMs
}

/** What streams, and calls about one task, need of the door. */
export interface EngineDoor {
  readonly engine: Engine
  readonly logger: DoorLogger
  readonly serverId: string
  readonly workerTimes: WorkerTimes
  readonly limits: DoorLimits
}

export interface GrpcDoor extends EngineDoor {
  readonly query: Query
  readonly analytics: AnalyticsSource
}

export const WORKER_TIMES_DEFAULT: WorkerTimes = {
  heartbeatIntervalMs: LIMITS.workerHeartbeatMs,
  graceMs: LIMITS.workerGraceMs,
  silenceMs: LIMITS.workerSilenceMs,
}

/** The bounds of streams, by name. All but the first are bounds on one stream. */
export const DOOR_LIMITS = {
  /** Streams of workers, clients and subscribers, and calls that wait for a result, open at once. */
  streamsMax: 20_000,
  /** Handlers a worker may name in its hello. */
  helloHandlersMax: 10_000,
  /** Attempts a worker may name as running in its hello: what its slots hold, and results not yet acknowledged. */
  helloRunningMax: 2 * LIMITS.workerSlotsMax,
  /** Items that wait for a worker that does not read; one more ends its stream. */
  workerOutboxItemsMax: 65_536,
  /** Bytes of progress in a heartbeat. */
  progressBytesMax: 64 * 1024,
  /** Bytes after which a message is sent and another begun; below the 4 MiB that gRPC clients take unless told otherwise. */
  messageBytesTarget: 1024 * 1024,
  /** Unanswered submissions of a session from which on it is not read. */
  sessionInFlightPause: 4_096,
  /** Unanswered submissions of a session; what comes above is refused. */
  sessionInFlightMax: 65_536,
  /** Outcomes a session may wait for. */
  sessionWatchesMax: 131_072,
  /** Bytes of outcomes that wait for a client that does not read; more end its stream. */
  sessionOutboxBytesMax: 32 * 1024 * 1024,
  /** Live domain events that wait for a subscriber that does not read; more are dropped, and counted. */
  liveEventsWaitingMax: 1_000,
} as const

export type DoorLimits = { readonly [Name in keyof typeof DOOR_LIMITS]: number }
