/** The built server and its workers as real processes on fixed ports, so that one can die and another take its place. */
import { freePort, type RunningProgram, runProgram } from './processes.js'
import { within } from './until.js'

const START_MS_MAX = 60_000
const STOP_MS_MAX = 45_000
const CALL_MS_MAX = 20_000

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Where a server listens, whoever runs there at the moment. */
export interface Address {
  readonly restPort: number
  readonly grpcPort: number
  readonly grpcUrl: string
}

export const freeAddress = async (): Promise<Address> => {
  const [restPort, grpcPort] = [await freePort(), await freePort()]
  return { restPort, grpcPort, grpcUrl: `127.0.0.1:${grpcPort}` }
}

/** Starts `tasker server` there; `settings` are its variables. It may not come up: see `ready`. */
export const launchServer = (
  databaseUrl: string,
  address: Address,
  settings: { readonly [variable: string]: string } = {},
): RunningProgram =>
  runProgram(['server/bin/tasker.js', 'server', '--json'], {
    DATABASE_URL: databaseUrl,
    TASKER_REST_PORT: String(address.restPort),
    TASKER_GRPC_PORT: String(address.grpcPort),
    TASKER_LOG_LEVEL: 'warn',
    NO_COLOR: '1',
    ...settings,
  })

/** Resolves when it answers. */
export const startLiveServer = async (...args: Parameters<typeof launchServer>): Promise<RunningProgram> => {
  const program = launchServer(...args)
  try {
    await within('the server is ready', START_MS_MAX, program.line(/"ready":true/))
  } catch (error) {
    program.kill('SIGKILL')
    throw error
  }
  return program
}

/** A worker of parcels in a process of its own; resolves when the server has greeted it. */
export const startLiveWorker = async (url: string, slots: number): Promise<RunningProgram> => {
  const program = runProgram(['test/dist/soak/worker-process.js', url, String(slots)])
  await within('the worker is connected', START_MS_MAX, program.line(/^connected /))
  return program
}

/** Ends a process, politely unless told otherwise; resolves with its exit code when it is gone. */
export const end = async (program: RunningProgram, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> => {
  program.kill('SIGCONT')
  program.kill(signal)
  try {
    return await within(`process ${program.pid} ends after ${signal}`, STOP_MS_MAX, program.exited)
  } catch (error) {
    program.kill('SIGKILL')
    throw error
  }
}

/** One REST call. Rejects when nobody answers. */
export const rest = async ({ restPort }: Address, path: string, body?: unknown): Promise<Answer> => {
  const response = await fetch(`http://127.0.0.1:${restPort}${path}`, {
    signal: AbortSignal.timeout(CALL_MS_MAX),
    ...(body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const parsed: unknown = response.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : { text }
  return { status: response.status, body: typeof parsed === 'object' && parsed !== null ? { ...parsed } : {} }
}

/** A text member of an answer; empty when it has none. */
export const member = ({ body }: Answer, name: string): string => {
  const value = body[name]
  return typeof value === 'string' ? value : ''
}
