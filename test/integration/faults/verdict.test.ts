/** The verdict that every phase ends with finds each lie: what is planted here would otherwise pass as a sound log. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { auditFinding } from '../../soak/audit-command.js'
import { Load } from '../../soak/load.js'
import { judge } from '../../soak/verdict.js'
import { end, freeAddress, startLiveServer, startLiveWorker } from '../../support/live-server.js'
import { forgeEvents } from '../../support/poison.js'
import { administer, freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { Client } from '@tasker/sdk'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const TASKS = 24
const RESULTS_MS_MAX = 90_000

let database: TestDatabase
let load: Load

/** Two dozen tasks of all kinds, over, and nobody writes any more. */
beforeAll(async () => {
  database = await freshDatabase()
  const address = await freeAddress()
  const server = await startLiveServer(database.url, address)
  const worker = await startLiveWorker(address.grpcUrl, 100)
  const client = new Client({ url: address.grpcUrl, logger: silent })
  load = new Load(client, { inFlight: 12, holdMsMax: 20 })
  load.start()
  await until('enough tasks are over', RESULTS_MS_MAX, () => Promise.resolve(load.completed >= TASKS ? true : undefined))
  await load.stop()
  client.close()
  await end(worker)
  await end(server)
}, 120_000)
afterAll(() => database.drop())

/** A database like it, to be spoilt. */
const copy = async (): Promise<string> => {
  const name = `spoilt_${randomBytes(6).toString('hex')}`
  await administer(`create database ${name} template ${new URL(database.url).pathname.slice(1)}`)
  onTestFinished(() => administer(`drop database ${name} with (force)`))
  const url = new URL(database.url)
  url.pathname = `/${name}`
  return url.href
}

const someTask = (): string => load.acknowledged[5] ?? ''
const OF_TASK = `stream_kind = 'task' and stream_id = $1`
const LAST = `${OF_TASK} and first_version = (select max(first_version) from event_commit where ${OF_TASK})`

test('a log that nobody touched is sound, and each task of the ledger is complete in it', async () => {
  expect(load.problems).toEqual([])
  const { tasks } = await judge({ databaseUrl: database.url }, load, 'over')
  expect(tasks).toBe(load.acknowledged.length)
  expect(tasks).toBeGreaterThanOrEqual(TASKS)
})

test.each([
  ['a task that was acknowledged is gone', `delete from event_commit where ${OF_TASK}`, 'acknowledged and is not in the log'],
  ['the end of a task is gone', `delete from event_commit where ${LAST}`, 'ended with nothing'],
  [
    'an event is not what was written',
    `update event_commit set events = replace(events, '"output":', '"output": ') where ${LAST}`,
    'the chain of',
  ],
  [
    'a commit in the middle is gone',
    `delete from event_commit where ${OF_TASK} and first_version > 1 and not (${LAST})`,
    'goes from',
  ],
])('%s: it is found', async (_what, sql, finding) => {
  const url = await copy()
  await query(url, sql, [someTask()])
  await expect(judge({ databaseUrl: url }, load, 'over')).rejects.toThrow(finding)
})

test('the command that audits a log says nothing of a sound one, and what is wrong with another', async () => {
  expect(await auditFinding({ databaseUrl: database.url })).toBeUndefined()
  const url = await copy()
  await query(url, `update event_commit set actor = 'somebody' where ${LAST}`, [someTask()])
  expect(await auditFinding({ databaseUrl: url })).toMatch(/ended with 1 and said/)
})

test('a second end, with a hash that fits, is found', async () => {
  const url = await copy()
  const [row] = await query(url, `select types, events from event_commit where ${LAST}`, [someTask()])
  await forgeEvents(url, someTask(), row?.['types'] as readonly string[], String(row?.['events']))
  await expect(judge({ databaseUrl: url }, load, 'over')).rejects.toThrow('ended 2 times')
  await expect(judge({ databaseUrl: url }, load, 'over')).rejects.toThrow('was completed twice')
})

test('a result that is not the one that follows from the input is found', async () => {
  await expect(
    judge({ databaseUrl: database.url }, { acknowledged: load.acknowledged, problems: ['T ended with 7'] }, 'over'),
  ).rejects.toThrow('T ended with 7')
})
