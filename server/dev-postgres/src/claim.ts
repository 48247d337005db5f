/** One program at a time on a data directory, and a PostgreSQL that outlived its program is stopped before the next starts. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PostgresStartError } from './failure.js'
import { isAlive, isServerOf, readPostmaster, startedAt } from './postmaster.js'
import { pause } from './pause.js'

const LEFTOVER_STOP_MS_MAX = 20_000
const LEFTOVER_POLL_MS = 25

/** Claims the directory for this process; throws while another living program holds it. Returns the way to give it back. */
export const claimDirectory = (dataDir: string): (() => void) => {
  const file = join(dataDir, 'launcher')
  const holder = holderOf(file)
  if (holder !== undefined) {
    throw new PostgresStartError(`The data directory ${dataDir} is in use by process ${holder}.`, [
      'Stop that process, or choose another data directory.',
    ])
  }
  const mine = `${process.pid} ${startedAt(process.pid) ?? ''}`
  writeFileSync(file, mine)
  return () => {
    if (readText(file) === mine) rmSync(file, { force: true })
  }
}

/** Stops a PostgreSQL that its launcher left behind. A stale lock file whose number went to a stranger is removed. */
export const stopLeftover = async (folder: string): Promise<void> => {
  const postmaster = readPostmaster(folder)
  if (postmaster === undefined || !isAlive(postmaster.pid)) return
  if (!isServerOf(postmaster, folder)) {
    rmSync(join(folder, 'postmaster.pid'), { force: true })
    return
  }
  process.kill(postmaster.pid, 'SIGINT')
  const patience = Date.now() + LEFTOVER_STOP_MS_MAX
  while (isServerOf(postmaster, folder)) {
    if (Date.now() > patience) {
      throw new PostgresStartError(`PostgreSQL process ${postmaster.pid} from an earlier run does not stop.`, [
        `End it by hand (kill -QUIT ${postmaster.pid}) and start again.`,
      ])
    }
    await pause(LEFTOVER_POLL_MS)
  }
}

const holderOf = (file: string): number | undefined => {
  const [pid, since] = (readText(file) ?? '').split(' ')
  const holder = Number(pid)
  return holder > 0 && startedAt(holder) !== undefined && startedAt(holder) === since ? holder : undefined
}

const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
