/** Rebuilds in PostgreSQL keep their rules (B1 to B3), whoever comes twice, late, or not at all. */
import { partitionNumber } from '@tasker/core'
import { openPostgresRebuilds } from '@tasker/server/internal/projections/postgres/rebuilds'
import { openPostgresStore, PROJECTION } from '@tasker/server/internal/projections/postgres-store'
import type { Rebuild, RebuildStore } from '@tasker/server/internal/projections/rebuild/port'
import type { ProjectionStore } from '@tasker/server/internal/projections/port'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { batchOf, taskIdNumber, taskRow } from './contract.js'

const P0 = partitionNumber(0)
const NOTHING = { folded: [], replaced: { all: [], emptied: [] } }

let database: TestDatabase
let rebuilds: RebuildStore
let store: ProjectionStore
beforeEach(async () => {
  database = await freshDatabase()
  rebuilds = openPostgresRebuilds({ url: database.url, checkpoints: PROJECTION })
  store = await openPostgresStore({ url: database.url })
  await store.write(batchOf([{ partition: P0, from: 0, to: 5 }], { tasks: [taskRow(taskIdNumber(1))] }))
})
afterEach(async () => {
  await rebuilds.close()
  await store.close()
  await database.drop()
})

const only = async (): Promise<Rebuild> => {
  const [rebuild] = await rebuilds.open()
  if (rebuild === undefined) throw new Error('a rebuild is under way')
  return rebuild
}

const begun = async (): Promise<Rebuild> => {
  await rebuilds.request('task', 1)
  await rebuilds.begin(await only())
  return only()
}

const caughtUp = async (to = 5): Promise<Rebuild> => {
  const rebuild = await begun()
  const targets = new Map([[P0, to]])
  expect(await rebuilds.write(rebuild, { ...NOTHING, next: { phase: 'catching_up', cursor: '', targets } })).toBe('written')
  return only()
}

const tasks = () => query(database.url, 'select task_id from task')

test('one that is asked for twice is one, and begins at the checkpoints of then', async () => {
  await rebuilds.request('task', 1)
  await rebuilds.request('task', 1)
  expect(await rebuilds.open()).toMatchObject([{ name: 'task', version: 1, phase: 'waiting', turn: 0 }])
  await rebuilds.begin(await only())
  expect(await only()).toMatchObject({ phase: 'folding', cursor: '', turn: 1, targets: new Map([[P0, 5]]) })
  await rebuilds.request('task', 1)
  expect(await only()).toMatchObject({ phase: 'folding', turn: 1 })
})

test('one of another version begins again, and so does one whose table is gone', async () => {
  await caughtUp()
  await rebuilds.request('task', 2)
  expect(await only()).toMatchObject({ version: 2, phase: 'waiting' })
  await rebuilds.begin(await only())
  expect(await only()).toMatchObject({ phase: 'folding' })
  await query(database.url, 'drop table task_rebuild')
  expect(await only()).toMatchObject({ phase: 'waiting' })
})

test('a turn is done once: who comes with an old one writes nothing (B1)', async () => {
  const rebuild = await begun()
  const next = { phase: 'folding', cursor: 'a', targets: rebuild.targets } as const
  const both = await Promise.all([rebuilds.write(rebuild, { ...NOTHING, next }), rebuilds.write(rebuild, { ...NOTHING, next })])
  expect([...both].sort()).toEqual(['overtaken', 'written'])
  await rebuilds.begin(rebuild)
  expect(await only()).toMatchObject({ turn: rebuild.turn + 1, cursor: 'a' })
  expect(await rebuilds.swap(rebuild)).toBe('behind')
})

test('rows that are not as far as the live ones do not take their place (B2)', async () => {
  const rebuild = await caughtUp()
  await store.write(batchOf([{ partition: P0, from: 5, to: 6 }]))
  expect(await rebuilds.swap(rebuild)).toBe('behind')
  await store.write(batchOf([{ partition: partitionNumber(1), from: 0, to: 1 }]))
  expect(await tasks()).toHaveLength(1)
})

test('new rows take the place of the old ones, are known by their version, and the writer goes on (B2, B3)', async () => {
  expect(await rebuilds.swap(await caughtUp())).toBe('swapped')
  expect(await tasks()).toEqual([])
  expect(await rebuilds.open()).toEqual([])
  expect((await rebuilds.built()).get('task')).toMatchObject({ version: 1 })
  const again = batchOf([{ partition: P0, from: 5, to: 6 }], { tasks: [taskRow(taskIdNumber(2))] })
  expect(await store.write(again)).toBe('written')
  expect(await tasks()).toEqual([{ task_id: taskIdNumber(2) }])
})

test('a live table that got another form meanwhile is not lost: the rebuild begins again with it', async () => {
  const rebuild = await caughtUp()
  await query(database.url, 'create index task_by_name on task (name)')
  expect(await rebuilds.swap(rebuild)).toBe('changed')
  expect(await tasks()).toHaveLength(1)
  await rebuilds.begin(await only())
  const beside = await only()
  const next = { phase: 'catching_up', cursor: '', targets: beside.targets } as const
  await rebuilds.write(beside, { ...NOTHING, next })
  expect(await rebuilds.swap(await only())).toBe('swapped')
  expect(
    await query(database.url, `select 1 from pg_indexes where tablename = 'task' and indexname = 'task_by_name'`),
  ).toHaveLength(1)
})

test('a view of somebody else keeps its table: the swap says so, and changes nothing', async () => {
  await query(database.url, 'create view reports as select status from task')
  await expect(rebuilds.swap(await caughtUp())).rejects.toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    message: expect.stringContaining('cannot drop table task') as string,
  })
  expect(await tasks()).toHaveLength(1)
  expect(await query(database.url, 'select status from reports')).toHaveLength(1)
})
