/** Tasker, each part in a process of its own: PostgreSQL, the server, workers. */
import { migrate } from '@tasker/server/internal/database/migrate'
import { grpcTransport } from '@tasker/sdk'
import { freePort, type RunningProgram, runProgram } from '../support/processes.js'
import type { Contender, Stage } from './contender.js'
import { answering, type BenchDatabase, end, startDatabase } from './parts.js'
import { SHAPES, type ShapeName } from './shapes.js'

export interface TaskerOptions {
  /** Of all workers together. */
  readonly slots: number
  /** Workers with a stream of their own, in one process. */
  readonly workers: number
  /** Such as --cpu-prof: what the processes are asked to measure about themselves. */
  readonly serverNodeArgs?: readonly string[]
  readonly workerNodeArgs?: readonly string[]
  /** Of PostgreSQL. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Stands between the server's port and everybody who calls it. */
  readonly via?: (grpcPort: number) => Promise<Way>
}

export interface Way {
  readonly port: number
  close(): Promise<void>
}

export interface TaskerStage extends Stage {
  readonly database: BenchDatabase
  readonly server: RunningProgram
}

const DEFAULTS: TaskerOptions = { slots: 1_000, workers: 1 }

export const tasker = (options: Partial<TaskerOptions> = {}): Contender => ({
  name: 'tasker',
  start: ({ shape }) => startTasker([shape, 'single'], options),
})

export const startTasker = async (shapes: readonly ShapeName[], given: Partial<TaskerOptions> = {}): Promise<TaskerStage> => {
  const options = { ...DEFAULTS, ...given }
  const database = await startDatabase(options.parameters)
  const programs: RunningProgram[] = []
  const workers: number[] = []
  let way: Way | undefined
  const stop = async (): Promise<void> => {
    for (const program of programs.toReversed()) await end(program)
    await way?.close()
    await database.stop()
  }
  try {
    await migrate(database.url)
    const grpcPort = await freePort()
    const server = await startServer(database.url, grpcPort, options.serverNodeArgs ?? [], programs)
    way = await options.via?.(grpcPort)
    const url = `127.0.0.1:${way?.port ?? grpcPort}`
    await registerShapes(url, new Set(shapes))
    return {
      database,
      server,
      processes: () => ({ server: [server.pid], worker: workers, database: [database.pid] }),
      target: { module: './tasker-system.js', url },
      startWorker: () => {
        const args = ['test/dist/bench/worker-process.js', url, String(options.slots), String(options.workers)]
        const worker = runProgram(args, {}, options.workerNodeArgs)
        programs.push(worker)
        workers.push(worker.pid)
        return Promise.resolve()
      },
      stored: () => database.stored(),
      vacuumed: () => database.vacuumed(),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const startServer = async (
  databaseUrl: string,
  grpcPort: number,
  nodeArgs: readonly string[],
  programs: RunningProgram[],
): Promise<RunningProgram> => {
  const restPort = await freePort()
  const server = runProgram(
    ['server/bin/tasker.js', 'server'],
    {
      DATABASE_URL: databaseUrl,
      TASKER_GRPC_PORT: String(grpcPort),
      TASKER_REST_PORT: String(restPort),
      TASKER_LOG_LEVEL: process.env['TASKER_LOG_LEVEL'] ?? 'warn',
    },
    nodeArgs,
  )
  programs.push(server)
  await answering(`http://127.0.0.1:${restPort}/health/ready`, server)
  return server
}

const registerShapes = async (url: string, names: ReadonlySet<ShapeName>): Promise<void> => {
  const transport = grpcTransport({ url })
  for (const name of names) await transport.register({ content: SHAPES[name].document, replace: false })
  transport.close()
}
