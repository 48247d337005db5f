/** Finding PostgreSQL's programs, and its libraries when the package's install script did not run. */
import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findBinaries } from '@tasker/dev-postgres/internal/binaries'
import { linkLibraries } from '@tasker/dev-postgres/internal/libraries'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync('/tmp/tasker-binaries-')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const programs = (): void => {
  for (const name of ['initdb', 'postgres']) {
    writeFileSync(join(folder, name), '')
    chmodSync(join(folder, name), 0o755)
  }
}

test('a platform without a package is told what to do', () => {
  expect(() => findBinaries('plan9-mips', folder)).toThrow(/plan9-mips[\s\S]*DATABASE_URL[\s\S]*PATH/)
})

test('a PostgreSQL in PATH is the second choice', () => {
  programs()
  expect(findBinaries('plan9-mips', `/nowhere:${folder}`)).toMatchObject({ source: 'path', postgres: join(folder, 'postgres') })
})

const packageWithout = (): string => {
  const home = join(folder, 'native')
  mkdirSync(join(home, 'lib'), { recursive: true })
  writeFileSync(join(home, 'lib', 'libx.so.1.2'), 'x')
  writeFileSync(
    join(home, 'pg-symlinks.json'),
    JSON.stringify([{ source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' }]),
  )
  return home
}

test('missing links of libraries are made next to them', () => {
  const home = packageWithout()
  expect(linkLibraries(home, () => join(folder, 'cache'))).toEqual({})
  expect(readlinkSync(join(home, 'lib', 'libx.so.1'))).toBe('libx.so.1.2')
  expect(linkLibraries(home, () => join(folder, 'cache'))).toEqual({})
})
