/** Rows built anew from the log are the rows the projector wrote, and everything about their tables is as it was. */
import { beforeEach, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { dumpRows, spoil, startGround, TABLES } from './ground.js'

const TASKS = 60

let database: TestDatabase
// Dropped when all that a test started on it has ended.
beforeEach(async ({ onTestFinished }) => {
  database = await freshDatabase()
  onTestFinished(() => database.drop())
})

/** What of a table a rebuild must leave as it is. */
const formOf = async (url: string) => ({
  indexes: await query(
    url,
    `select tablename, indexname, indexdef from pg_indexes where schemaname = 'public' order by tablename, indexname`,
  ),
  tables: await query(
    url,
    `select relname, reloptions, relacl::text as grants from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
  ),
  constraints: await query(
    url,
    `select conrelid::regclass::text as of, conname, pg_get_constraintdef(oid) as def from pg_constraint
      where connamespace = 'public'::regnamespace order by 1, 2`,
  ),
})

test('every projection that was spoiled by hand is found out, and built anew as it was before', async () => {
  await query(database.url, 'grant select on task, dead_letter to public')
  const ground = await startGround(database.url)
  for (let n = 0; n < TASKS; n++) await ground.submit(n)
  await ground.quiet()
  expect(await ground.verify()).toMatchObject({ state: 'done', differences: {}, unreadable_streams: 0, not_compared: [] })
  const rows = await dumpRows(database.url)
  const form = await formOf(database.url)
  for (const table of TABLES) expect(rows[table].length, table).toBeGreaterThan(2)

  for (const table of TABLES) {
    await spoil(database.url, table)
    expect(await dumpRows(database.url)).not.toEqual(rows)
    const found = await ground.verify()
    expect(Object.keys(found.differences), JSON.stringify(found)).toEqual([table])
    expect(found.first_difference).toMatchObject({ projection: table })
    await ground.rebuild(table)
    expect(await dumpRows(database.url)).toEqual(rows)
    expect(await formOf(database.url)).toEqual(form)
    expect((await ground.verify(table)).differences).toEqual({})
  }
})
