/** Everything a bench run measures, each in a process of its own: PostgreSQL, the server, workers. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@tasker/dev-postgres'
import { newConnection, type Connection } from '@tasker/server/internal/database'
import { migrate } from '@tasker/server/internal/database/migrate'
import { grpcTransport } from '@tasker/sdk'
import { freePort, type RunningProgram, runProgram } from '../support/processes.js'
import { SHAPES } from './shapes.js'

export interface Stack {
  readonly grpcUrl: string
  readonly pids: { readonly server: number; readonly postgres: number }
  readonly database: Connection
  /** Starts one more worker; the time its process has used is counted from now on. */
  startWorker(slots: number): void
  /** The processes of its workers. */
  readonly workers: readonly number[]
  stop(): Promise<void>
}

/** PostgreSQL keeps its promises here: fsync and synchronous_commit are on. */
export const startStack = async (): Promise<Stack> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tasker-bench-'))
  const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres') })
  const programs: RunningProgram[] = []
  try {
    await migrate(postgres.url)
    const grpcPort = await freePort()
    const restPort = await freePort()
    const server = runProgram(
      ['server/bin/tasker.js', 'server'],
      {
        DATABASE_URL: postgres.url,
        TASKER_GRPC_PORT: String(grpcPort),
        TASKER_REST_PORT: String(restPort),
        TASKER_LOG_LEVEL: process.env['TASKER_LOG_LEVEL'] ?? 'warn',
      },
      // Such as --cpu-prof: what the server's process is asked to measure about itself.
      (process.env['TASKER_BENCH_SERVER_NODE_ARGS'] ?? '').split(' ').filter((arg) => arg !== ''),
    )
    programs.push(server)
    await ready(`http://127.0.0.1:${restPort}/health/ready`, server)
    const grpcUrl = `127.0.0.1:${grpcPort}`
    await registerShapes(grpcUrl)
    const workers: number[] = []
    const database = newConnection({ url: postgres.url, applicationName: 'bench' })
    await database.connect()
    return {
      grpcUrl,
      pids: { server: server.pid, postgres: postgres.pid },
      database,
      workers,
      startWorker: (slots) => {
        const worker = runProgram(['test/dist/bench/worker-process.js', grpcUrl, String(slots)])
        programs.push(worker)
        workers.push(worker.pid)
      },
      stop: async () => {
        await database.end()
        for (const program of programs.toReversed()) await end(program)
        await postgres.stop()
        rmSync(dataDir, { recursive: true, force: true })
      },
    }
  } catch (error) {
    for (const program of programs) program.kill('SIGKILL')
    await postgres.stop()
    throw error
  }
}

const registerShapes = async (url: string): Promise<void> => {
  const transport = grpcTransport({ url })
  for (const { document } of Object.values(SHAPES)) await transport.register({ content: document, replace: false })
  transport.close()
}

const end = async (program: RunningProgram): Promise<void> => {
  program.kill('SIGTERM')
  const deadline = setTimeout(() => program.kill('SIGKILL'), STOP_MS_MAX)
  await program.exited
  clearTimeout(deadline)
}

const STOP_MS_MAX = 15_000
const READY_TRIES_MAX = 300
const READY_TRY_MS = 100

const ready = async (url: string, server: RunningProgram): Promise<void> => {
  for (let tries = 0; tries < READY_TRIES_MAX && server.running(); tries++) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, READY_TRY_MS))
  }
  throw new Error(`the server did not become ready:\n${server.output()}`)
}
