/** The links between shared libraries that the npm package leaves to an install script, made when that script did not run. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, delimiter, dirname, join, relative } from 'node:path'
import { systemCode } from './failure.js'

interface LibraryLink {
  /** Both relative to the package's root, so they begin with `native/`. */
  readonly source: string
  readonly target: string
}

/**
 * Makes the missing links, next to the libraries or, when that place is read-only, in the folder that `cache` gives. Returns the
 * environment that PostgreSQL's programs need to find them.
 */
export const linkLibraries = (home: string, cache: () => string): Readonly<Record<string, string>> => {
  const missing = linksOf(home).filter((link) => !existsSync(placeIn(home, link.target)))
  if (missing.length === 0) return {}
  try {
    for (const link of missing) makeLink(relative(dirname(link.target), link.source), placeIn(home, link.target))
    return {}
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error) ?? '')) throw error
  }
  const folder = join(cache(), `lib-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  for (const link of missing) makeLink(placeIn(home, link.source), join(folder, basename(link.target)))
  // A library found through a link looks for its own neighbours beside the link.
  const path = [folder, join(home, 'lib')].join(delimiter)
  return { [process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH']: path }
}

/** `native/` is the home, whatever a copy of it is called. */
const placeIn = (home: string, path: string): string => join(home, relative('native', path))

/** Another start may have made the link between our look and our act. */
const makeLink = (to: string, at: string): void => {
  try {
    symlinkSync(to, at)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

const linksOf = (home: string): readonly LibraryLink[] => {
  const file = join(home, 'pg-symlinks.json')
  if (!existsSync(file)) return []
  const listed: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return Array.isArray(listed) ? listed.filter(isLink) : []
}

const isLink = (value: unknown): value is LibraryLink =>
  typeof value === 'object' &&
  value !== null &&
  'source' in value &&
  typeof value.source === 'string' &&
  'target' in value &&
  typeof value.target === 'string'
