import { commitProbe } from '@tasker/server/internal/log/postgres/commit-probe'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import { partitionNumber } from '@tasker/core'
import { expect, onTestFinished, test } from 'vitest'
import { freshDatabase, query } from '../../support/postgres.js'
import { draft, rowsFrom, task } from './drafts.js'

const P0 = partitionNumber(0)
const P1 = partitionNumber(1)

const site = async () => {
  const database = await freshDatabase()
  const log = await openPostgresLog({ url: database.url, partitionCount: 2 })
  const probe = commitProbe(database.url, 2)
  onTestFinished(async () => {
    await probe.close()
    await log.close()
    await database.drop()
  })
  return { ...database, log, probe }
}

test('a probe commits, and tells the clock of the database and where each partition ends', async () => {
  const { url, log, probe } = await site()
  await log.append(rowsFrom(1, draft(), draft({ stream: task('b') })))
  const before = Date.now()
  const answer = await probe.probe()
  expect(answer).toMatchObject({
    type: 'committed',
    heads: new Map([
      [P0, 2],
      [P1, 0],
    ]),
  })
  expect(answer.type === 'committed' && Math.abs(answer.databaseAt - before)).toBeLessThan(2_000)
  await probe.probe()
  expect(await query(url, 'select beats from commit_probe')).toEqual([{ beats: '2' }])
})

test('a probe that finds no row to write has committed nothing, and says so', async () => {
  const { url, probe } = await site()
  await probe.probe()
  await query(url, 'delete from commit_probe')
  expect(await probe.probe()).toEqual({ type: 'failed', message: 'the row that it writes is missing' })
  await query(url, 'drop table commit_probe')
  expect(await probe.probe()).toMatchObject({ type: 'failed', message: expect.stringContaining('commit_probe') as unknown })
})

test('a database that is away fails the probe', async () => {
  const probe = commitProbe('postgres://nobody@127.0.0.1:1/none', 2)
  onTestFinished(() => probe.close())
  expect(await probe.probe()).toMatchObject({ type: 'failed' })
})
