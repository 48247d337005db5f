/** Runs the built command line as real processes, with nothing of this one's settings. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'

const PROGRAM = fileURLToPath(new URL('../../../server/bin/tasker.js', import.meta.url))
const START_MS_MAX = 60_000
const GONE_MS_MAX = 30_000
const POLL_MS = 50

const environment = (more: { readonly [variable: string]: string }): NodeJS.ProcessEnv => {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(TASKER_|DATABASE_URL$|npm_|NO_COLOR$|FORCE_COLOR$)/.test(name),
  )
  return { ...Object.fromEntries(inherited), ...more }
}

export interface Ended {
  readonly exitCode: number | null
  readonly out: string
  readonly err: string
}

/** Runs one command to its end. */
export const tasker = async (args: readonly string[], more: { readonly [variable: string]: string } = {}): Promise<Ended> => {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: environment(more), stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  await once(child, 'close')
  return { exitCode: child.exitCode, out, err }
}

export type Line = Readonly<Record<string, unknown>>

export interface Standing {
  /** The line that said it is ready. */
  readonly ready: Line
  /** Every JSON line of stdout so far. */
  readonly lines: readonly Line[]
  readonly pid: number
  /** Sends a signal and resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts a command that keeps running, with `--json`, and waits until it says that it is ready. */
export const start = async (args: readonly string[], more: { readonly [variable: string]: string } = {}): Promise<Standing> => {
  const child = spawn(process.execPath, [PROGRAM, ...args, '--json'], {
    env: environment(more),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: Line[] = []
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  const ready = await new Promise<Line>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`not ready within ${START_MS_MAX} ms: ${err}`)), START_MS_MAX)
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = jsonLine(text)
      lines.push(line)
      if (line['ready'] !== true) return
      clearTimeout(late)
      resolve(line)
    })
    child.once('exit', (code) => {
      clearTimeout(late)
      reject(new Error(`ended with ${code ?? 'a signal'} before it was ready: ${err}`))
    })
  })
  return { ready, lines, pid: child.pid ?? -1, end: (signal) => ended(child, signal) }
}

const jsonLine = (text: string): Line => {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

const ended = async (child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> => {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
  return child.exitCode
}

/** Whether a process with this id is there. */
export const isThere = (pid: unknown): boolean => {
  if (typeof pid !== 'number') throw new TypeError(`${String(pid)} is no process id`)
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when a process that is not our child has gone; fails when it stays. */
export const gone = async (pid: unknown): Promise<void> => {
  const patienceAt = performance.now() + GONE_MS_MAX
  while (isThere(pid)) {
    if (performance.now() > patienceAt) throw new Error(`process ${String(pid)} is still there`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** A member of a line that must be text. */
export const textOf = (line: Line, name: string): string => {
  const value = line[name]
  if (typeof value !== 'string') throw new TypeError(`${name} is not text in ${JSON.stringify(line)}`)
  return value
}
