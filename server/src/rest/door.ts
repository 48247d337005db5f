/** What the REST door is given by the wiring. */
import type { Json } from '@tasker/core'
import type { Audit } from '../audit/audit.js'
import type { Engine } from '../engine/api.js'
import type { AnalyticsSource } from '../query/analyse.js'
import type { Query } from '../query/query.js'
import type { Metrics } from '../telemetry/metrics.js'

/** The part of a structured logger that the door uses; pino fits. */
export interface DoorLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface ServerInfo {
  readonly version: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** The settings in force, without secrets. */
  readonly config: { readonly [name: string]: Json }
}

export interface RestDoor {
  readonly engine: Engine
  readonly query: Query
  readonly analytics: AnalyticsSource
  readonly audit: Audit
  readonly logger: DoorLogger
  readonly metrics: Metrics
  readonly info: ServerInfo
}
