/** The server dies by `kill -9` in each phase of archiving, at a place that the database holds it at, and another one goes on. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTaskId, present, taskResult } from '@tasker/core'
import { directoryStore } from '@tasker/server/internal/archive/directory-store'
import { findArchived } from '@tasker/server/internal/archive/find-archived'
import { Client } from '@tasker/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { end, freeAddress, rest, startLiveServer, startLiveWorker } from '../../support/live-server.js'
import { parcelResult } from '../../support/parcel.js'
import { copyOf, freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { newKeyPem } from '../../support/sealed.js'
import { until } from '../../support/until.js'
import { auditFinding } from '../../support/verified.js'
import { auditOf, expectRightResults, field, type Field, type Sent, sendParcels } from '../faults/field.js'

const TASKS = 150
const SEALING = { TASKER_SEAL_KEY: newKeyPem(), TASKER_SEAL_AFTER_MS: '100' }
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const PATIENCE_MS = 60_000

/** Its tasks are over. */
let finished: TestDatabase
let sent: readonly Sent[]
let database: TestDatabase
let directory: string
beforeAll(async () => {
  finished = await freshDatabase()
  sent = await finishTasks(finished)
}, 120_000)
afterAll(() => finished.drop())
beforeEach(async () => {
  database = await copyOf(finished)
  directory = mkdtempSync(join(tmpdir(), 'tasker-archive-'))
})
afterEach(async () => {
  await database.drop()
  rmSync(directory, { recursive: true, force: true })
})

const RETAINING = () => ({
  TASKER_RETENTION: 'faults=1s',
  TASKER_ARCHIVE_DIR: directory,
  ...SEALING,
  TASKER_ARCHIVE_INTERVAL_MS: '100',
  TASKER_ARCHIVE_PAUSE_MS: '0',
  TASKER_ARCHIVE_BATCH_TASKS_MAX: '120',
  // One commit an append, so that some of a batch are there and others are not.
  TASKER_APPEND_BATCH_MAX: '1',
})

const count = async (sql: string): Promise<number> => Number((await query(database.url, sql))[0]?.['n'])

const ARCHIVED = `select count(*) as n from event_commit where types @> array['task.archived']`
const REMOVED = 'select count(*) as n from archived_commit'

/** Whoever writes such a row sleeps from then on. */
const stall = async (table: string, when: string): Promise<void> => {
  await query(
    database.url,
    `create function stall() returns trigger language plpgsql as $$
     begin
       if ${when} then perform pg_sleep(25); end if;
       return new;
     end $$`,
  )
  await query(database.url, `create trigger stall before insert or update on ${table} for each row execute function stall()`)
}

const untilStalled = (): Promise<number> =>
  until('the server is held', PATIENCE_MS, async () => {
    const asleep = await count(
      `select count(*) as n from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
    )
    return asleep > 0 ? asleep : undefined
  })

/** What the dead server had asked of the database ends too, undone. */
const release = async (table: string): Promise<void> => {
  await query(
    database.url,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
  )
  await query(database.url, `drop trigger stall on ${table}`)
}

const expectAllArchived = async (on: Field): Promise<void> => {
  await until('all tasks are archived', PATIENCE_MS, async () => {
    const [archived, pending] = [
      await count(ARCHIVED),
      await count('select count(*) as n from archive where pending is not null'),
    ]
    return archived === sent.length && pending === 0 ? archived : undefined
  })
  expect((await auditOf(on)).problems).toEqual([])
  expect(await auditFinding(database.url)).toBeUndefined()
  // Each task is one commit in the log, and whole in an archive.
  expect(await count(`select count(*) as n from event_commit where stream_kind = 'task'`)).toBe(sent.length)
  await expectInArchives(sent)
  expect(await count('select count(*) as n from task')).toBe(0)
  const sums = `select coalesce(sum(completed), 0) as n from`
  expect(await count(`${sums} archived_activity where step = ''`)).toBe(sent.length)
  expect(await count(`${sums} archived_activity where step = 'ship'`)).toBe(sent.length)
  expect((await rest(on.address, '/v1/tasks?namespace=faults')).body['tasks']).toEqual([])
}

const expectInArchives = async (tasks: readonly Sent[]): Promise<void> => {
  const store = directoryStore(directory)
  for (const { n, handle } of tasks) {
    const found = present(
      await findArchived(store, present(parseTaskId(handle.taskId), 'its id')),
      `${handle.taskId} in an archive`,
    )
    expect(JSON.parse(taskResult(found.state))).toEqual(parcelResult(n))
  }
}

/** Every task is whole in the log, or whole in an archive. */
const expectNothingLost = async (on: Field): Promise<void> => {
  const audit = await auditOf(on)
  expect(audit.problems).toEqual([])
  expect(await auditFinding(database.url)).toBeUndefined()
  expect(sent.map(({ handle }) => audit.tasks.get(handle.taskId)?.end)).toEqual(sent.map(() => 'task.completed'))
  const isCut = (id: string): boolean => audit.tasks.get(id)?.events.at(-1)?.event.type === 'task.archived'
  await expectInArchives(sent.filter(({ handle }) => isCut(handle.taskId)))
}

const UNSEALED = `
  select count(*) as n from event_commit t where t.stream_kind = 'task' and not exists (
    select from event_commit s where s.partition = t.partition and s.types = array['partition.sealed']
      and (s.events::json->0->>'to_seq')::bigint >= t.seq)`

/** Tasks that are over, on a server that archives nothing. */
async function finishTasks({ url }: TestDatabase): Promise<readonly Sent[]> {
  const address = await freeAddress()
  const server = await startLiveServer(url, address, SEALING)
  const worker = await startLiveWorker(address.grpcUrl, 50)
  const client = new Client({ url: address.grpcUrl, logger: silent })
  const tasks = await sendParcels({ client }, TASKS, { holdMs: 0 })
  await expectRightResults(tasks)
  client.close()
  await end(worker)
  await until('all commits of tasks are sealed', PATIENCE_MS, async () => {
    const [row] = await query(url, UNSEALED)
    return Number(row?.['n']) === 0 ? row : undefined
  })
  await end(server)
  return tasks
}

describe('a server that is killed while it archives', () => {
  const phases = [
    {
      name: 'with the archive written and nobody told',
      table: 'archive',
      when: 'tg_op = $q$INSERT$q$',
      then: async () => {
        expect(readdirSync(join(directory, 'faults'))).toHaveLength(2)
        expect(await count(ARCHIVED)).toBe(0)
      },
    },
    {
      name: 'with some of the tasks archived',
      table: 'event_commit',
      when: `new.types @> array['task.archived'] and (${ARCHIVED.replace('as n ', '')}) >= 10`,
      then: async () => {
        expect(await count(ARCHIVED)).toBe(10)
        expect(await count(REMOVED)).toBe(0)
      },
    },
    {
      name: 'before the first of their commits is removed',
      table: 'archived_commit',
      when: 'true',
      then: async () => {
        expect(await count(ARCHIVED)).toBe(120)
        expect(await count(REMOVED)).toBe(0)
      },
    },
    {
      name: 'with some of their commits removed',
      table: 'archived_commit',
      when: `(${REMOVED.replace('as n ', '')}) >= 500`,
      then: async () => expect(await count(REMOVED)).toBe(500),
    },
    {
      name: 'with all removed and the archive not marked as done',
      table: 'archive',
      when: `tg_op = $q$UPDATE$q$`,
      then: async () => expect(await count(ARCHIVED)).toBe(120),
    },
  ]
  for (const { name, table, when, then } of phases) {
    test(`${name} loses nothing, and its successor goes on`, async () => {
      const on = await field(database.url)
      await stall(table, when)
      const server = await on.server(RETAINING())
      await untilStalled()
      await end(server, 'SIGKILL')
      await release(table)
      await then()
      await expectNothingLost(on)
      await on.server(RETAINING())
      await expectAllArchived(on)
    }, 180_000)
  }
})

test('an archive that cannot be written keeps everything in the log, says so, and is written once it can be', async () => {
  const on = await field(database.url)
  // A file stands where the folder of the namespace should be.
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'faults'), '')
  await on.server(RETAINING())
  const told = await until('the server says so', PATIENCE_MS, async () => {
    const { body } = await rest(on.address, '/v1/retention')
    return typeof body['problem'] === 'string' ? body : undefined
  })
  expect(told['problem']).toMatch(/^the archive .* cannot be written: /)
  expect((await rest(on.address, '/health/detailed')).body['retention']).toMatchObject({ problem: told['problem'] })
  expect(await count(ARCHIVED)).toBe(0)
  await expectNothingLost(on)
  rmSync(join(directory, 'faults'))
  await expectAllArchived(on)
}, 120_000)
