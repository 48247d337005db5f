/** Starts the REST door on its port, and stops it so that answers in flight still go out. */
import { Fault } from '../faults.js'
import { buildRestApp } from './app.js'
import type { RestDoor } from './door.js'
import { readLags, readLevels } from './levels.js'
import { REST_LIMITS } from './limits.js'

export interface RestServerDeps extends RestDoor {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

export interface RestServer {
  /** The port it listens on. */
  readonly port: number
  /** Ends long polls and live streams, lets other answers go out for a bounded time, then closes. May be called again. */
  stop(): Promise<void>
}

/** Throws `PORT_IN_USE`, `PORT_FORBIDDEN` or `HOST_NOT_LOCAL` when it cannot listen. */
export const startRestServer = async ({ host, port, ...door }: RestServerDeps): Promise<RestServer> => {
  door.metrics.observeLevels(() => readLevels(door.engine, door.retention))
  door.metrics.observeLags(() => readLags(door.engine, door.projections.names))
  const stopping = new AbortController()
  const app = await buildRestApp(door, stopping.signal)
  try {
    app.server.maxConnections = REST_LIMITS.connectionsMax
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw listenFault(error, host, port)
  }
  const close = async (): Promise<void> => {
    stopping.abort()
    const timer = setTimeout(() => app.server.closeAllConnections(), REST_LIMITS.stopMsMax)
    await app.close()
    clearTimeout(timer)
  }
  let closed: Promise<void> | undefined
  return { port: portOf(app.server.address(), port), stop: () => (closed ??= close()) }
}

const portOf = (address: string | { readonly port: number } | null, asked: number): number =>
  typeof address === 'object' && address !== null ? address.port : asked

const listenFault = (error: unknown, host: string, port: number): unknown => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return portInUse(host, port, error)
  if (code === 'EACCES') {
    const message = `This user may not listen on port ${port}.`
    return new Fault({ code: 'UNAVAILABLE', reason: 'PORT_FORBIDDEN', message, hint: SETTING_HINT }, error)
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    const message = `${host} is no address of this machine.`
    return new Fault({ code: 'UNAVAILABLE', reason: 'HOST_NOT_LOCAL', message, hint: 'Set TASKER_HOST or --host.' }, error)
  }
  return error
}

const SETTING_HINT = 'Choose another with TASKER_REST_PORT or --rest-port; 0 takes any free port.'

const portInUse = (host: string, port: number, cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'PORT_IN_USE',
      message: `Port ${port} on ${host}, wanted for REST, is in use by another process.`,
      hint: SETTING_HINT,
      context: { port: String(port), setting: 'TASKER_REST_PORT' },
    },
    cause,
  )
