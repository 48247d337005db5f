/** The data on disk: made once by `initdb`, complete or not there, with a password only its owner can read. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PostgresStartError } from './failure.js'
import { invocation, type RunAs } from './run-as.js'

export interface Cluster {
  /** PGDATA: the folder that PostgreSQL owns, inside the caller's data directory. */
  readonly folder: string
  readonly password: string
}

export const SUPERUSER = 'postgres'
const PASSWORD_BYTES = 24
const INITDB_MS_MAX = 120_000

export const clusterFolder = (dataDir: string): string => join(dataDir, 'cluster')

/** Opens the cluster of a data directory, and makes it on the first call. A crash in the middle leaves nothing that counts as one. */
export const openCluster = async (as: RunAs, dataDir: string, env: NodeJS.ProcessEnv): Promise<Cluster> => {
  const folder = clusterFolder(dataDir)
  const password = passwordOf(join(dataDir, 'password'), as)
  if (existsSync(join(folder, 'PG_VERSION'))) return { folder, password }
  const unfinished = `${folder}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { mode: 0o700 })
  giveTo(as, unfinished)
  await initdb(as, unfinished, join(dataDir, 'password'), env)
  renameSync(unfinished, folder)
  return { folder, password }
}

const passwordOf = (file: string, as: RunAs): string => {
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(PASSWORD_BYTES).toString('base64url'), { mode: 0o600, flag: 'wx' })
    chmodSync(file, 0o600)
    giveTo(as, file)
  }
  return readFileSync(file, 'utf8').trim()
}

const giveTo = (as: RunAs, path: string): void => {
  if (as.owner !== undefined) chownSync(path, as.owner.uid, as.owner.gid)
}

const initdb = (as: RunAs, folder: string, passwordFile: string, env: NodeJS.ProcessEnv): Promise<void> => {
  const args = ['-D', folder, '-U', SUPERUSER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-locale', '-E', 'UTF8']
  const { file, args: all, options } = invocation(as, as.binaries.initdb, args)
  return new Promise((resolve, reject) => {
    const child = spawn(file, all, { ...options, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: INITDB_MS_MAX })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.on('error', (error) => reject(new PostgresStartError(`initdb could not be run: ${error.message}`, [], error)))
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new PostgresStartError(`initdb failed with ${code}: ${said.trim().slice(-2_000)}`, [])),
    )
  })
}
