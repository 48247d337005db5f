/** A real server on a real PostgreSQL, workers, and a caller at each of its doors. */
import { credentials } from '@grpc/grpc-js'
import { ScheduleServiceClient, StepServiceClient, TaskServiceClient } from '@tasker/proto'
import { Client, type TaskDefinition, Worker } from '@tasker/sdk'
import { startServer } from '@tasker/server/internal/compose'
import { freshDatabase } from '../../support/postgres.js'
import { serverConfig } from './server-config.js'

export interface EveryDoor {
  readonly client: Client
  readonly steps: StepServiceClient
  readonly tasks: TaskServiceClient
  readonly schedules: ScheduleServiceClient
  readonly restUrl: string
  rest(method: string, path: string, body?: unknown): Promise<Response>
  /** Starts a worker for a definition. */
  work(namespace: string, definition: TaskDefinition): void
  endWorkers(): Promise<void>
  close(): Promise<void>
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export const openEveryDoor = async (): Promise<EveryDoor> => {
  const database = await freshDatabase()
  const server = await startServer(serverConfig(database.url))
  const client = new Client({ url: server.grpcUrl, logger: silent })
  const steps = new StepServiceClient(server.grpcUrl, credentials.createInsecure())
  const tasks = new TaskServiceClient(server.grpcUrl, credentials.createInsecure())
  const schedules = new ScheduleServiceClient(server.grpcUrl, credentials.createInsecure())
  const ends: (() => Promise<void>)[] = []
  return {
    client,
    steps,
    tasks,
    schedules,
    restUrl: server.restUrl,
    rest: (method, path, body) =>
      fetch(`${server.restUrl}${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
    work: (namespace, definition) => {
      const worker = new Worker({ url: server.grpcUrl, namespace, tasks: [definition], signals: false, logger: silent })
      const ended = worker.run()
      ends.push(async () => {
        await worker.stop()
        await ended
      })
    },
    endWorkers: async () => {
      for (const end of ends.splice(0).reverse()) await end()
    },
    close: async () => {
      for (const one of [client, steps, tasks, schedules]) one.close()
      await server.stop()
      await database.drop()
    },
  }
}

/** A unary call over gRPC as a promise. */
export const call = <Answer>(ask: (callback: (error: Error | null, answer: Answer) => void) => unknown): Promise<Answer> =>
  new Promise((resolve, reject) => ask((error, answer) => (error === null ? resolve(answer) : reject(error))))
