/** Schemas of real databases: new, current, newer, altered, broken half way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, schemaFault, schemaStatus } from '@tasker/server/internal/database/migrate'
import { knownMigrations } from '@tasker/server/internal/database/migrations'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase('empty')
})
afterEach(() => database.drop())

test('an empty database gets every migration, once, and says which', async () => {
  const known = knownMigrations()
  expect(await schemaStatus(database.url)).toMatchObject({ type: 'behind', number: 0 })
  const applied = await migrate(database.url)
  expect(applied.map(({ number, name }) => ({ number, name }))).toEqual(known.map(({ number, name }) => ({ number, name })))
  expect(await migrate(database.url)).toEqual([])
  expect(await schemaStatus(database.url)).toEqual({ type: 'current', number: known.length })
})

test('two programs that migrate at once share the work', async () => {
  const both = await Promise.all([migrate(database.url), migrate(database.url)])
  expect(both.flat()).toHaveLength(knownMigrations().length)
})

test('a database of a newer program is refused', async () => {
  await migrate(database.url)
  await query(database.url, `insert into schema_migration values (999, 'from_the_future', 'x')`)
  expect(await schemaStatus(database.url)).toMatchObject({ type: 'newer', number: 999 })
  await expect(migrate(database.url)).rejects.toMatchObject({ reason: 'SCHEMA_NEWER' })
})

test('a migration that was changed after it was applied is refused', async () => {
  await migrate(database.url)
  await query(database.url, `update schema_migration set checksum = 'x' where number = 1`)
  await expect(migrate(database.url)).rejects.toMatchObject({ reason: 'SCHEMA_ALTERED' })
})

test('the server is told to migrate a database that is behind', async () => {
  const status = await schemaStatus(database.url)
  expect(status.type === 'current' ? undefined : schemaFault(status)).toMatchObject({ reason: 'SCHEMA_BEHIND' })
})

test('a migration that fails leaves nothing of itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
  writeFileSync(join(folder, '0001_good.sql'), 'create table good (n int);')
  writeFileSync(join(folder, '0002_bad.sql'), 'create table half (n int); select nonsense;')
  const known = knownMigrations(folder)
  await expect(migrate(database.url, known)).rejects.toThrow(/migration 2 \(bad\) failed: column "nonsense"/)
  expect(
    await query(database.url, `select to_regclass('good') is not null as good, to_regclass('half') is null as none`),
  ).toEqual([{ good: true, none: true }])
  expect(await schemaStatus(database.url, known)).toMatchObject({ type: 'behind', number: 1 })
  rmSync(folder, { recursive: true })
})

test('a gap in the numbers of migrations is a mistake of the program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
  writeFileSync(join(folder, '0002_second.sql'), 'select 1')
  expect(() => knownMigrations(folder)).toThrow(/numbered/)
  rmSync(folder, { recursive: true })
})
