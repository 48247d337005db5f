/** The gRPC front door: one server with the services of `tasker.v1`, health and reflection, bound to one address. */
import { Server, ServerCredentials, setLogger } from '@grpc/grpc-js'
import { LIMITS } from '@tasker/core'
import type { Engine } from '../engine/api.js'
import { Fault, type FaultDetail } from '../faults.js'
import type { AnalyticsSource } from '../query/analyse.js'
import type { Query } from '../query/query.js'
import { DOOR_LIMITS, WORKER_TIMES_DEFAULT, type DoorLimits, type DoorLogger, type GrpcDoor, type WorkerTimes } from './door.js'
import { addHealth } from './health.js'
import { openStreams } from './open-streams.js'
import { addReflection } from './reflection.js'
import { addServices } from './services.js'

export interface GrpcServerDeps {
  readonly engine: Engine
  readonly query: Query
  readonly analytics: AnalyticsSource
  readonly logger: DoorLogger
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Told to workers, so that they and people know which server they talk to. */
  readonly serverId: string
  /** The engine's own times, where settings changed them; `LIMITS` when not given. */
  readonly workerTimes?: WorkerTimes
  /** Bounds of streams other than `DOOR_LIMITS`. */
  readonly limits?: Partial<DoorLimits>
}

export interface GrpcServer {
  readonly port: number
  /**
   * Takes no more calls, answers what is in flight, ends the streams with UNAVAILABLE, and cuts what is left after `graceMs`. A second call
   * waits for the first.
   */
  stop(graceMs: number): Promise<void>
}

/** How often a quiet connection is asked whether its peer is still there, and how long the answer may take. */
const KEEPALIVE_MS = 20_000
const KEEPALIVE_TIMEOUT_MS = 10_000

/** Throws a Fault `PORT_IN_USE` or `ADDRESS_NOT_USABLE` when it cannot listen. */
export const startGrpcServer = async (deps: GrpcServerDeps): Promise<GrpcServer> => {
  setLogger({
    error: (...said: unknown[]) => deps.logger.warn({ said: said.join(' ') }, 'the gRPC library has something to say'),
  })
  const server = new Server({
    'grpc.max_receive_message_length': LIMITS.grpcTransportBytesMax,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  })
  const door: GrpcDoor = {
    engine: deps.engine,
    query: deps.query,
    analytics: deps.analytics,
    logger: deps.logger,
    serverId: deps.serverId,
    workerTimes: deps.workerTimes ?? WORKER_TIMES_DEFAULT,
    limits: { ...DOOR_LIMITS, ...deps.limits },
  }
  const streams = openStreams(door.limits.streamsMax)
  addServices(server, door, streams)
  addReflection(server)
  const port = await bind(server, deps.host, deps.port)
  const endHealth = addHealth(server, deps.engine)
  let stopped: Promise<void> | undefined
  const stop = (graceMs: number): Promise<void> => {
    endHealth()
    streams.stop()
    return shutDown(server, graceMs)
  }
  return { port, stop: (graceMs) => (stopped ??= stop(graceMs)) }
}

const bind = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync(`${bracketed(host)}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(new Fault(bindFault(host, port, error), error))
    })
  })

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

const bindFault = (host: string, port: number, error: Error): FaultDetail =>
  error.message.includes('EADDRINUSE')
    ? {
        code: 'UNAVAILABLE',
        reason: 'PORT_IN_USE',
        message: `another program listens on ${host}:${port}, where gRPC should`,
        hint: 'stop it, or choose another port with --grpc-port or TASKER_GRPC_PORT (0 takes any free one)',
        retryable: false,
      }
    : {
        code: 'UNAVAILABLE',
        reason: 'ADDRESS_NOT_USABLE',
        message: `cannot listen on ${host}:${port} for gRPC: ${error.message}`,
        hint: 'check --host and --grpc-port (TASKER_HOST, TASKER_GRPC_PORT)',
        retryable: false,
      }

/** Waits for calls in flight, at most so long; then cuts what is left. */
const shutDown = (server: Server, graceMs: number): Promise<void> =>
  new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown()
      resolve()
    }, graceMs)
    server.tryShutdown((error) => {
      clearTimeout(force)
      if (error !== undefined) server.forceShutdown()
      resolve()
    })
  })
