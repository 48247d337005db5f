/** An example worker as a child process: a group of its own, its output line by line, stopped by its id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Part } from './supervise.js'

/**
 * Loaded before the worker's own program: the system closes the child's stdin with the parent, however the parent ended, and then the
 * child is to end as well.
 */
const END_WITH_PARENT = `process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume().unref?.()`

/** A worker drains what it has; after that it is killed. */
const DRAIN_MS = 10_000

export interface WorkerProcess extends Part {
  readonly pid: number
  /** Calls back with the exit code or signal, whoever ended it. */
  onExit(listener: (how: string) => void): void
}

export interface WorkerOptions {
  /** The built program. */
  readonly script: string
  /** What it needs beside the environment of this process, such as TASKER_GRPC_URL. */
  readonly environment: Readonly<Record<string, string>>
  readonly onLine: (line: string) => void
}

export const startWorkerProcess = async (options: WorkerOptions): Promise<WorkerProcess> => {
  const preload = `data:text/javascript,${encodeURIComponent(END_WITH_PARENT)}`
  const child = spawn(process.execPath, ['--import', preload, options.script], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
  })
  await once(child, 'spawn')
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', options.onLine)
  const exited = exitOf(child)
  return {
    name: 'worker',
    pid: child.pid ?? -1,
    onExit: (listener) => void child.once('exit', (code, signal) => listener(howEnded(code, signal))),
    stop: () => stopGroup(child, exited),
    kill: () => signalGroup(child, 'SIGKILL'),
  }
}

const howEnded = (code: number | null, signal: string | null): string => signal ?? `exit ${code ?? 0}`

const exitOf = (child: ChildProcess): Promise<void> => new Promise((resolve) => child.once('exit', () => resolve()))

const stopGroup = async (child: ChildProcess, exited: Promise<void>): Promise<void> => {
  signalGroup(child, 'SIGTERM')
  const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), DRAIN_MS)
  await exited
  clearTimeout(kill)
}

/** A negative id means the whole group; Windows knows none. Once the child is gone its id may belong to a stranger. */
const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  if (process.platform === 'win32') child.kill(signal)
  else process.kill(-child.pid, signal)
}
