/** Programs of this repository as real processes, spoken to by their output and stopped by their pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

export const REPOSITORY = fileURLToPath(new URL(import.meta.url.includes('/test/dist/') ? '../../..' : '../..', import.meta.url))

export interface RunningProgram {
  readonly pid: number
  /** Everything it printed so far, both streams. */
  output(): string
  /** The first line that matches, among those printed and those to come. Rejects with the output when the program ends before. */
  line(pattern: RegExp): Promise<string>
  kill(signal: NodeJS.Signals): void
  running(): boolean
  /** Resolves with the exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>
}

/** Starts a program of the repository with Node; `args[0]` is relative to the repository. */
export const runProgram = (
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  nodeArgs: readonly string[] = [],
): RunningProgram => {
  const [file = '', ...rest] = args
  const child = spawn(process.execPath, [...nodeArgs, `${REPOSITORY}/${file}`, ...rest], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return watchProgram(child)
}

/** Follows a program that was spawned with its output in pipes. */
export const watchProgram = (child: ChildProcess): RunningProgram => {
  let text = ''
  const listeners = new Set<() => void>()
  const hear = (chunk: Buffer): void => {
    text += chunk.toString()
    for (const listener of listeners) listener()
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  const exited = once(child, 'close').then(([code]: unknown[]) => (typeof code === 'number' ? code : null))
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = text.split('\n').find((candidate) => pattern.test(candidate))
        if (found === undefined) return
        listeners.delete(look)
        resolve(found)
      }
      listeners.add(look)
      exited.then((code) => {
        look()
        if (listeners.delete(look)) reject(new Error(`ended with ${code} before it printed ${pattern}:\n${text}`))
      }, reject)
      look()
    })
  return {
    pid: child.pid ?? 0,
    output: () => text,
    line,
    kill: (signal) => {
      child.kill(signal)
    },
    running: () => child.exitCode === null && child.signalCode === null,
    exited,
  }
}

/** Below the ports that systems give to outgoing connections: a server that was killed must find its port again. */
const PORT_FIRST = 20_000
const PORTS = 12_000
const TRIES_MAX = 200

/** Each process of a run begins elsewhere, so that two do not look at the same ports. */
let next = (process.pid * 61) % PORTS

/** A port that was free a moment ago, and that no outgoing connection of another process takes meanwhile. */
export const freePort = async (): Promise<number> => {
  for (let tried = 0; tried < TRIES_MAX; tried += 1) {
    const port = PORT_FIRST + next
    next = (next + 1) % PORTS
    if (await isFree(port)) return port
  }
  throw new Error(`none of ${TRIES_MAX} ports is free`)
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
