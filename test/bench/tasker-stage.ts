/** Tasker, each part in a process of its own: PostgreSQL, the server, a worker. */
import { migrate } from '@tasker/server/internal/database/migrate'
import { grpcTransport } from '@tasker/sdk'
import { freePort, type RunningProgram, runProgram } from '../support/processes.js'
import type { Contender, Stage } from './contender.js'
import { answering, end, startDatabase } from './parts.js'
import { SHAPES } from './shapes.js'

export const tasker = (slots: number): Contender => ({ name: 'tasker', start: () => startTasker(slots) })

const startTasker = async (slots: number): Promise<Stage> => {
  const database = await startDatabase()
  const programs: RunningProgram[] = []
  const workers: number[] = []
  const stop = async (): Promise<void> => {
    for (const program of programs.toReversed()) await end(program)
    await database.stop()
  }
  try {
    await migrate(database.url)
    const grpcPort = await freePort()
    const restPort = await freePort()
    const server = runProgram(
      ['server/bin/tasker.js', 'server'],
      {
        DATABASE_URL: database.url,
        TASKER_GRPC_PORT: String(grpcPort),
        TASKER_REST_PORT: String(restPort),
        TASKER_LOG_LEVEL: process.env['TASKER_LOG_LEVEL'] ?? 'warn',
      },
      // Such as --cpu-prof: what the server's process is asked to measure about itself.
      (process.env['TASKER_BENCH_SERVER_NODE_ARGS'] ?? '').split(' ').filter((arg) => arg !== ''),
    )
    programs.push(server)
    await answering(`http://127.0.0.1:${restPort}/health/ready`, server)
    const url = `127.0.0.1:${grpcPort}`
    await registerShapes(url)
    return {
      processes: () => ({ server: [server.pid], worker: workers, database: [database.pid] }),
      target: { module: './tasker-system.js', url },
      startWorker: () => {
        const worker = runProgram(['test/dist/bench/worker-process.js', url, String(slots)])
        programs.push(worker)
        workers.push(worker.pid)
        return Promise.resolve()
      },
      stored: () => database.stored(),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const registerShapes = async (url: string): Promise<void> => {
  const transport = grpcTransport({ url })
  for (const { document } of Object.values(SHAPES)) await transport.register({ content: document, replace: false })
  transport.close()
}
