/** Rows in PostgreSQL keep the contract of projected rows, over connections that are really cut. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { partitionNumber } from '@tasker/core'
import { startPostgres } from '@tasker/dev-postgres'
import { migrate } from '@tasker/server/internal/database/migrate'
import { openPostgresStore } from '@tasker/server/internal/projections/postgres-store'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { postgresProxy } from '../../support/postgres-proxy.js'
import { batchOf, describeProjectionStore, taskIdNumber, taskRow } from './contract.js'

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

const empty = () =>
  query(database.url, 'truncate task, ready_step, timer, identity, activity, key, dead_letter, projection_checkpoint')

describeProjectionStore('PostgreSQL', async () => {
  await empty()
  const store = await openPostgresStore({ url: database.url })
  return {
    store,
    tasks: async () =>
      (await query(database.url, 'select task_id, status, tags from task order by task_id')).map((row) => ({
        taskId: row['task_id'],
        status: row['status'],
        tags: row['tags'],
      })),
    close: () => store.close(),
  }
})

describe('projected rows in PostgreSQL', () => {
  test.each(['before_request', 'before_answer'] as const)(
    'a write whose connection is cut %s is repeated without a conflict',
    async (moment) => {
      await empty()
      const proxy = await postgresProxy(database.url)
      const store = await openPostgresStore({ url: proxy.url })
      const batch = (from: number) =>
        batchOf([{ partition: partitionNumber(0), from, to: from + 1 }], { tasks: [taskRow(taskIdNumber(from))] })
      expect(await store.write(batch(0))).toBe('written')
      proxy.cutNext('write_projection', moment)
      await expect(store.write(batch(1))).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' })
      expect(await store.write(batch(1))).toBe('written')
      expect(await store.write(batch(2))).toBe('written')
      expect(await store.write(batch(2))).toBe('conflict')
      expect(await store.checkpoints()).toEqual(new Map([[partitionNumber(0), 3]]))
      await store.close()
      await proxy.close()
    },
  )

  test('rows and checkpoints that were written outlive PostgreSQL: a running server relies on them', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tasker-rows-'))
    const first = await startPostgres({ dataDir })
    await migrate(first.url)
    const store = await openPostgresStore({ url: first.url })
    onTestFinished(async () => {
      await store.close()
      await first.stop()
      rmSync(dataDir, { recursive: true, force: true })
    })
    const batch = (from: number) =>
      batchOf([{ partition: partitionNumber(0), from, to: from + 1 }], { tasks: [taskRow(taskIdNumber(from))] })
    for (let from = 0; from < 5; from++) expect(await store.write(batch(from))).toBe('written')
    await first.kill9()

    const second = await startPostgres({ dataDir, port: first.port })
    onTestFinished(() => second.stop())
    expect(await query(second.url, 'select seq from projection_checkpoint')).toEqual([{ seq: '5' }])
    expect(await query(second.url, 'select task_id from task')).toHaveLength(5)
  })

  test('a database that is away is said so at the door', async () => {
    await expect(openPostgresStore({ url: 'postgres://nobody@127.0.0.1:1/none' })).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
    })
  })
})
