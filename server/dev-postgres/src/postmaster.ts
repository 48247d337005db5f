/** The lock file of a running PostgreSQL, and what can be told of a process that may have written it. */
import { spawnSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

export interface Postmaster {
  readonly pid: number
  readonly folder: string
  readonly port: number
  /** `starting`, `ready`, `stopping`, `standby`, or empty before the first is written. */
  readonly status: string
}

/** What `postmaster.pid` says, or undefined when there is none or it is only half written. */
export const readPostmaster = (folder: string): Postmaster | undefined => {
  const lines = textOf(join(folder, 'postmaster.pid'))?.split('\n')
  const pid = Number(lines?.[0])
  if (lines === undefined || !Number.isInteger(pid) || pid <= 0) return undefined
  return { pid, folder: lines[1] ?? '', port: Number(lines[3] ?? 0), status: (lines[7] ?? '').trim() }
}

/** Whether the process that a lock file names is a PostgreSQL on that folder, and not one that got the same number later. */
export const isServerOf = (postmaster: Postmaster, folder: string): boolean => {
  const command = isAlive(postmaster.pid) ? commandOf(postmaster.pid) : undefined
  return command !== undefined && command.includes('postgres') && command.includes(realpathSync(folder))
}

/** A process that ended and that nobody has collected yet counts as gone. */
export const isAlive = (pid: number): boolean => {
  if (process.platform === 'linux') return startedAt(pid) !== undefined
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Tells two processes with the same number apart; undefined when there is no such process. */
export const startedAt = (pid: number): string | undefined => {
  if (process.platform === 'win32') return isAlive(pid) ? String(pid) : undefined
  if (process.platform !== 'linux') return psColumn(pid, 'lstart')
  const stat = textOf(`/proc/${pid}/stat`)
  // The name in parentheses may hold blanks; the start time is the 20th field after it.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19]
}

const commandOf = (pid: number): string | undefined => {
  if (process.platform === 'win32') return undefined
  if (process.platform !== 'linux') return psColumn(pid, 'command')
  return textOf(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ')
}

const psColumn = (pid: number, column: string): string | undefined => {
  const answer = spawnSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' })
  const text = answer.status === 0 ? answer.stdout.trim() : ''
  return text === '' ? undefined : text
}

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
