/** A real server on a real PostgreSQL, spoken to over REST and gRPC, with real workers; it can be started again with other settings. */
import { namespaceOf } from '@tasker/core'
import type { ServiceError } from '@grpc/grpc-js'
import { type StepDefinition, Worker } from '@tasker/sdk'
import { type RunningServer, startServer } from '@tasker/server/internal/compose'
import { readServerConfig } from '@tasker/server/internal/config'
import { freshDatabase } from '../../support/postgres.js'
import { type Clients, clientsTo } from '../grpc/wire-client.js'

export const SHOP = namespaceOf('shop')

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Ground {
  readonly clients: Clients
  readonly databaseUrl: string
  readonly restUrl: string
  /** `POST` when there is a body; a text is YAML, anything else JSON. */
  rest(path: string, body?: unknown): Promise<Answer>
  /** A worker that runs until the ground is closed, or the server is started again. */
  work(handlers: readonly StepDefinition[]): void
  restart(settings?: Settings): Promise<void>
  close(): Promise<void>
}

type Settings = { readonly [variable: string]: string }

interface Open {
  readonly server: RunningServer
  readonly clients: Clients
  readonly workers: { readonly worker: Worker; readonly done: Promise<void> }[]
}

export const openGround = async (settings: Settings = {}): Promise<Ground> => {
  const database = await freshDatabase()
  let open = await opened(database.url, settings)
  return {
    get clients() {
      return open.clients
    },
    databaseUrl: database.url,
    get restUrl() {
      return open.server.restUrl
    },
    rest: async (path, body) => {
      const response = await fetch(open.server.restUrl + path, {
        ...(body === undefined ? {} : { method: 'POST', headers: { 'content-type': typeOf(body) }, body: textOf(body) }),
      })
      return { status: response.status, body: await response.json() }
    },
    work: (handlers) => {
      const worker = new Worker({ url: open.server.grpcUrl, namespace: SHOP, slots: 8, handlers, signals: false })
      open.workers.push({ worker, done: worker.run() })
    },
    restart: async (other = settings) => {
      await closed(open)
      open = await opened(database.url, other)
    },
    close: async () => {
      await closed(open)
      await database.drop()
    },
  }
}

const opened = async (url: string, settings: Settings): Promise<Open> => {
  const read = readServerConfig({
    DATABASE_URL: url,
    TASKER_REST_PORT: '0',
    TASKER_GRPC_PORT: '0',
    TASKER_LOG_LEVEL: 'silent',
    ...settings,
  })
  if (read.type === 'invalid') throw new Error(JSON.stringify(read.problems))
  const server = await startServer(read.config)
  return { server, clients: clientsTo(Number(server.grpcUrl.split(':').at(-1))), workers: [] }
}

const closed = async ({ server, clients, workers }: Open): Promise<void> => {
  for (const { worker, done } of workers) {
    await worker.stop()
    await done
  }
  clients.close()
  await server.stop()
}

const typeOf = (body: unknown): string => (typeof body === 'string' ? 'application/yaml' : 'application/json')
const textOf = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body))

/** The answer of a unary call. */
export const answerOf = <Response>(
  call: (callback: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> =>
  new Promise((resolve, reject) => call((error, response) => (error === null ? resolve(response) : reject(error))))
