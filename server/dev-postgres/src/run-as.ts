/**
 * As whom PostgreSQL runs. It refuses to run as root, so root gives it another identity, and never makes an account for that.
 *
 * R1  Whoever is not root runs it as himself.
 * R2  Root runs it as `nobody` where `nobody` can reach the programs and the data.
 * R3  Where a folder on the way is closed to others (`mktemp -d`, /root), `nobody` keeps one right of root: to pass through and to read.
 * R4  Where that cannot be given, the programs are copied to a place that everybody can read; data must then be reachable.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Binaries } from './binaries.js'
import { PostgresStartError } from './failure.js'

export interface RunAs {
  readonly type: 'self' | 'nobody' | 'nobody_passing'
  readonly binaries: Binaries
  /** Owner of the data, undefined when it is the caller. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
}

/** A program with its arguments, ready for `spawn`. */
export interface Invocation {
  readonly file: string
  readonly args: readonly string[]
  readonly options: { readonly uid?: number; readonly gid?: number; readonly cwd: string }
}

const NOBODY = { uid: 65_534, gid: 65_534 }
const OTHERS_PASS = 0o001
const OTHERS_WRITE = 0o022

/** `access(2)` looks at the real user's rights alone unless `no_setuid_fixup` is set, and PostgreSQL checks its own programs with it. */
const PASSING = [
  ...['--reuid', String(NOBODY.uid), '--regid', String(NOBODY.gid), '--clear-groups'],
  ...['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search', '--securebits', '+no_setuid_fixup'],
]

/** Chooses the identity for programs and a data folder that exists. */
export const chooseRunAs = (binaries: Binaries, dataDir: string, env: NodeJS.ProcessEnv): RunAs => {
  if (process.getuid?.() !== 0) return { type: 'self', binaries, owner: undefined }
  const dataReachable = reachableByOthers(dataDir)
  if (dataReachable && reachableByOthers(binaries.postgres)) return { type: 'nobody', binaries, owner: NOBODY }
  if (canPass(binaries, env)) return { type: 'nobody_passing', binaries, owner: NOBODY }
  if (!dataReachable) {
    throw new PostgresStartError(`PostgreSQL cannot run as root, and other users cannot reach ${dataDir}.`, [
      'Choose a data directory whose parents are open to others (mode 0755), or run as another user than root.',
      'Or install `setpriv` (package util-linux).',
    ])
  }
  return { type: 'nobody', binaries: copyForOthers(binaries), owner: NOBODY }
}

/** How to run one of the programs under a chosen identity. The working directory is one that everybody can enter. */
export const invocation = (as: RunAs, program: string, args: readonly string[]): Invocation => {
  const cwd = dirname(program)
  switch (as.type) {
    case 'self':
      return { file: program, args, options: { cwd } }
    case 'nobody':
      return { file: program, args, options: { cwd: '/', ...NOBODY } }
    case 'nobody_passing':
      return { file: 'setpriv', args: [...PASSING, program, ...args], options: { cwd: '/' } }
  }
}

/** Whether a user with no rights of his own can walk to the path: each folder above it lets others pass. */
export const reachableByOthers = (path: string): boolean => {
  let folder = dirname(path)
  while ((statSync(folder).mode & OTHERS_PASS) !== 0) {
    const above = dirname(folder)
    if (above === folder) return true
    folder = above
  }
  return false
}

/** Containers may withhold the capability or lack the program: asking PostgreSQL for its version tells. */
const canPass = (binaries: Binaries, env: NodeJS.ProcessEnv): boolean =>
  spawnSync('setpriv', [...PASSING, binaries.initdb, '--version'], { cwd: '/', env, stdio: 'ignore' }).status === 0

/** The folder for files that several starts share. Others may write where it lies, so it is only used when it is ours. */
export const cacheFolder = (): string => {
  const folder = join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), `tasker-postgres-${process.getuid?.() ?? 0}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const stat = lstatSync(folder)
  if (stat.isDirectory() && stat.uid === (process.getuid?.() ?? stat.uid) && (stat.mode & OTHERS_WRITE) === 0) return folder
  throw new PostgresStartError(`${folder} belongs to somebody else.`, ['Remove it.'])
}

const copyForOthers = (binaries: Binaries): Binaries => {
  if (binaries.home === undefined) {
    throw new PostgresStartError(`PostgreSQL cannot run as root, and other users cannot reach ${binaries.postgres}.`, [
      'Open the folders above it to others (mode 0755), or run as another user than root.',
    ])
  }
  const cache = cacheFolder()
  const size = statSync(binaries.postgres)
  const home = join(cache, `native-${size.size}-${Math.trunc(size.mtimeMs)}`)
  if (!existsSync(home)) {
    const unfinished = `${home}.${process.pid}`
    cpSync(binaries.home, unfinished, { recursive: true, verbatimSymlinks: true })
    chmodSync(unfinished, 0o755)
    renameOrYield(unfinished, home)
  }
  return { source: 'package', home, initdb: join(home, 'bin', 'initdb'), postgres: join(home, 'bin', 'postgres') }
}

const renameOrYield = (from: string, to: string): void => {
  try {
    renameSync(from, to)
  } catch (error) {
    rmSync(from, { recursive: true, force: true })
    if (!existsSync(to)) throw error
  }
}
