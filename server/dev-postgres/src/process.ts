/** One postmaster process: started until it accepts connections, tried again after passing troubles, stopped in steps. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { PostgresStartError } from './failure.js'
import { pause } from './pause.js'
import { readPostmaster } from './postmaster.js'
import { invocation, type RunAs } from './run-as.js'
import { startWatchdog } from './watchdog.js'

export interface Launch {
  readonly as: RunAs
  readonly env: NodeJS.ProcessEnv
  readonly folder: string
  readonly logFile: string
  readonly port: () => Promise<number>
  readonly argumentsFor: (port: number) => readonly string[]
}

export interface ServerProcess {
  readonly pid: number
  readonly port: number
  readonly exited: Promise<void>
  gone(): boolean
  stop(): Promise<void>
  kill9(): void
}

const READY_POLL_MS = 15
/** Recovery after a crash may replay gigabytes. */
const READY_MS_MAX = 120_000
const ATTEMPTS_MAX = 12
/** Tries for troubles that we have no name for. */
const UNNAMED_ATTEMPTS_MAX = 2
const RETRY_DELAY_MS = 500
const FAST_STOP_MS = 15_000
const IMMEDIATE_STOP_MS = 5_000
/** A log beyond this begins anew at the next start. */
const LOG_BYTES_MAX = 8 * 1024 * 1024
const LOG_TAIL_CHARS = 4_000

/** Processes of a killed postmaster hold its memory and port for a moment; a free port may be taken before we bind it. */
const PASSING_TROUBLE = /shared memory block|lock file|could not bind|Address already in use/i

export const launch = async (plan: Launch): Promise<ServerProcess> => {
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryOnce(plan)
    if (outcome.type === 'ready') return outcome.server
    const tries = PASSING_TROUBLE.test(outcome.said) ? ATTEMPTS_MAX : UNNAMED_ATTEMPTS_MAX
    if (attempt >= tries) throw startFailure(outcome.said, plan.logFile)
    await pause(RETRY_DELAY_MS)
  }
}

type Outcome = { readonly type: 'ready'; readonly server: ServerProcess } | { readonly type: 'failed'; readonly said: string }

const tryOnce = async (plan: Launch): Promise<Outcome> => {
  const port = await plan.port()
  const { file, args, options } = invocation(plan.as, plan.as.binaries.postgres, plan.argumentsFor(port))
  const log = openSync(plan.logFile, logIsLong(plan.logFile) ? 'w' : 'a', 0o600)
  const logStart = statSync(plan.logFile).size
  // A session of its own (S2); its output goes to a file, so nothing breaks when the launcher's ends close.
  const child = spawn(file, args, { ...options, env: plan.env, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const server = serverOf(child, port)
  server.exited.then(startWatchdog(server.pid, plan.folder), () => undefined)
  if (await becameReady(server, plan.folder)) {
    child.unref()
    return { type: 'ready', server }
  }
  await server.stop()
  return { type: 'failed', said: readFileSync(plan.logFile, 'utf8').slice(logStart) }
}

const logIsLong = (file: string): boolean => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX

const serverOf = (child: ChildProcess, port: number): ServerProcess => {
  let gone = false
  const exited = new Promise<void>((resolve) => {
    const done = (): void => {
      gone = true
      resolve()
    }
    child.on('exit', done)
    child.on('error', done)
  })
  const within = async (waitMs: number): Promise<boolean> => {
    let timer: NodeJS.Timeout | undefined
    await Promise.race([exited, new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)))])
    clearTimeout(timer)
    return gone
  }
  return {
    pid: child.pid ?? -1,
    port,
    exited,
    gone: () => gone,
    kill9: () => void child.kill('SIGKILL'),
    // Fast shutdown, then immediate, then none at all.
    stop: async () => {
      child.ref()
      for (const [signal, waitMs] of [
        ['SIGINT', FAST_STOP_MS],
        ['SIGQUIT', IMMEDIATE_STOP_MS],
        ['SIGKILL', IMMEDIATE_STOP_MS],
      ] as const) {
        if (gone) return
        child.kill(signal)
        if (await within(waitMs)) return
      }
    },
  }
}

/** The postmaster writes `ready` into its lock file when it accepts connections. */
const becameReady = async (server: ServerProcess, folder: string): Promise<boolean> => {
  const patience = Date.now() + READY_MS_MAX
  while (!server.gone() && Date.now() < patience) {
    const postmaster = readPostmaster(folder)
    if (postmaster?.pid === server.pid && postmaster.status === 'ready') return true
    await pause(READY_POLL_MS)
  }
  return false
}

const startFailure = (said: string, logFile: string): PostgresStartError => {
  const lines = said.split('\n').filter((line) => /FATAL|PANIC|ERROR|HINT|DETAIL/.test(line))
  const words = (lines.length > 0 ? lines.join('\n') : said).trim().slice(-LOG_TAIL_CHARS)
  return new PostgresStartError(`PostgreSQL did not start. It said:\n${words === '' ? '(nothing)' : words}`, [
    `Its whole log is ${logFile}.`,
    'Set DATABASE_URL to use a PostgreSQL that is running already.',
  ])
}
