/** The log in PostgreSQL keeps the contract, over connections that are really cut. */
import { newConnection } from '@tasker/server/internal/database'
import { migrate } from '@tasker/server/internal/database/migrate'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import type { EventLog } from '@tasker/server/internal/log/port'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { postgresProxy } from '../../support/postgres-proxy.js'
import { describeEventLog } from './contract.js'
import { allOf, draft, P0, rowsFrom, task } from './drafts.js'
import { PAGE_COMMITS, PARTITIONS } from './harness.js'

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

const page = { commits: PAGE_COMMITS, bytes: 1_000_000 }
const empty = () => query(database.url, 'truncate event_commit')

describeEventLog('PostgreSQL', async () => {
  await empty()
  const proxy = await postgresProxy(database.url)
  const log = await openPostgresLog({ url: proxy.url, partitionCount: PARTITIONS, page })
  const others: EventLog[] = []
  return {
    log,
    other: async () => {
      const other = await openPostgresLog({ url: database.url, partitionCount: PARTITIONS, page })
      others.push(other)
      return other
    },
    loseNextAnswer: (written) => proxy.cutNext('append_commits', written === 'before' ? 'before_answer' : 'before_request'),
    close: async () => {
      await Promise.all([log, ...others].map((each) => each.close()))
      await proxy.close()
    },
  }
})

describe('the event log in PostgreSQL', () => {
  let log: EventLog
  beforeEach(async () => {
    await empty()
    log = await openPostgresLog({ url: database.url, partitionCount: PARTITIONS, page: { commits: 100, bytes: 10_000 } })
  })
  afterEach(() => log.close())

  const endAppenders = () =>
    query(database.url, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'tasker append'`)

  test('goes on by itself after its connection was ended between two appends', async () => {
    await log.append(rowsFrom(1, draft()))
    await endAppenders()
    const results = [await log.append(rowsFrom(2, draft({ firstVersion: 2 })))]
    if (results[0]?.type === 'unknown') results.push(await log.append(rowsFrom(2, draft({ firstVersion: 2 }))))
    expect(results.at(-1)).toEqual({ type: 'appended' })
  })

  test('an append whose backend is killed while it waits is unknown, and was not written', async () => {
    await log.append(rowsFrom(1, draft({ stream: task('warm') })))
    const rival = newConnection({ url: database.url, applicationName: 'rival' })
    await rival.connect()
    await rival.query('begin')
    await rival.query(`insert into event_commit
      values (0, 2, 'task', 'held', 1, '', 0, '', null, '', array['x'], '[]', sha256('x'))`)
    const waiting = log.append(rowsFrom(2, draft()))
    await untilTrue('select exists (select from pg_locks where not granted) as yes')
    await endAppenders()
    expect((await waiting).type).toBe('unknown')
    await rival.query('rollback')
    await rival.end()
    expect(await log.append(rowsFrom(2, draft()))).toEqual({ type: 'appended' })
  })

  const untilTrue = async (sql: string): Promise<void> => {
    for (let i = 0; i < 200; i++) if ((await query(database.url, sql))[0]?.['yes'] === true) return
    throw new Error(`never true: ${sql}`)
  }

  test('a page holds no more bytes than it may, but always a commit', async () => {
    const text = (size: number) => `[{"step":"${'x'.repeat(size)}"}]`
    const sizes = [4_000, 4_000, 4_000, 50_000, 10, 10]
    await log.append(rowsFrom(1, ...sizes.map((size, index) => draft({ stream: task(`t${index}`), text: text(size) }))))
    const pages: number[] = []
    for await (const each of log.readPartition(P0, 0)) pages.push(each.length)
    expect(pages).toEqual([2, 1, 1, 2])
  })

  test('answers that the log is away when nobody listens, and comes back', async () => {
    const proxy = await postgresProxy(database.url)
    const away = await openPostgresLog({ url: proxy.url, partitionCount: PARTITIONS })
    await proxy.close()
    expect((await away.append(rowsFrom(1, draft()))).type).toBe('unavailable')
    await expect(allOf(away.readPartition(P0, 0))).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' })
    await away.close()
  })

  test('keeps the number of partitions that its database was made with', async () => {
    await expect(openPostgresLog({ url: database.url, partitionCount: PARTITIONS + 1 })).rejects.toMatchObject({
      reason: 'PARTITION_COUNT_MISMATCH',
    })
  })

  test('the view shows one row an event, whatever the payloads are', async () => {
    const nasty = '[{"step":"\\u0000 \\ud800 🦀","output":{"__proto__":1e400}},{"step":"b"}]'
    const types = ['step.completed', 'step.scheduled']
    await log.append(
      rowsFrom(
        1,
        draft({ types, text: nasty }),
        draft({ stream: task('broken'), text: 'no json at all' }),
        draft({ stream: task('c') }),
      ),
    )
    const rows = await query(
      database.url,
      'select seq, stream_id, version, type, data, actor, cause, request_id, at from event order by partition, seq, version',
    )
    expect(rows).toMatchObject([
      {
        stream_id: 'a',
        version: '1',
        type: 'step.completed',
        data: '{"step":"\\u0000 \\ud800 🦀","output":{"__proto__":1e400}}',
      },
      { stream_id: 'a', version: '2', type: 'step.scheduled', data: '{"step":"b"}' },
      { stream_id: 'broken', version: '1', data: null },
      { stream_id: 'c', actor: 'tester', cause: 'submit', request_id: '01J', at: new Date(1_700_000_000_000) },
    ])
  })

  test('a database that is migrated already stays as it is', async () => {
    expect(await migrate(database.url)).toEqual([])
  })
})
