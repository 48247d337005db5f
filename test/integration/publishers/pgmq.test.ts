/** Domain events in queues of pgmq, and the functions of pgmq where none is installed. */
import { readFileSync } from 'node:fs'
import { pgmqTransport } from '@tasker/server/internal/publishers/pgmq/pgmq-transport'
import { queueName } from '@tasker/server/internal/publishers/queue-name'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { postgresProxy } from '../../support/postgres-proxy.js'
import { REPOSITORY } from '../../support/processes.js'
import { describeTransport, type Envelope, message, P0 } from './contract.js'

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())
beforeEach(() => query(database.url, 'truncate publisher_checkpoint; drop schema if exists pgmq cascade'))

const SQL = readFileSync(`${REPOSITORY}/server/sql/pgmq.sql`, 'utf8')

const popped = async (url: string, namespace: string): Promise<readonly Envelope[]> =>
  (await query(url, 'select message from pgmq.pop($1, 1000)', [queueName(namespace)])).map((row) => row['message'] as Envelope)

describeTransport('pgmq', async () => {
  await query(database.url, 'truncate publisher_checkpoint; drop schema if exists pgmq cascade')
  const transport = pgmqTransport(database.url)
  const other = pgmqTransport(database.url)
  return {
    transport,
    other,
    received: (namespace) => popped(database.url, namespace),
    close: async () => {
      await Promise.all([transport.close(), other.close()])
    },
  }
})

const opened = (url: string) => {
  const transport = pgmqTransport(url)
  onTestFinished(() => transport.close())
  return transport
}

const batch = (n: number) => ({ messages: [message(n)], moves: [{ partition: P0, from: n, to: n + 1 }] })

test.each(['before_request', 'before_answer'] as const)(
  'a batch whose connection is cut %s is told once, however often it is given',
  async (moment) => {
    const proxy = await postgresProxy(database.url)
    onTestFinished(() => proxy.close())
    const transport = opened(proxy.url)
    expect(await transport.publish(batch(0))).toBe('published')
    proxy.cutNext('publish_domain_events', moment)
    await expect(transport.publish(batch(1))).rejects.toMatchObject({
      reason: 'EVENTS_NOT_PUBLISHED',
      detail: { retryable: true },
    })
    expect(await transport.publish(batch(1))).toBe(moment === 'before_answer' ? 'moved' : 'published')
    expect((await popped(database.url, 'shop')).map(({ event_id }) => event_id)).toEqual(['T0:1', 'T1:1'])
  },
)

test('no function of pgmq is made before the first event', async () => {
  await opened(database.url).publish({ messages: [], moves: [{ partition: P0, from: 0, to: 1 }] })
  expect(await query(database.url, `select 1 from pg_namespace where nspname = 'pgmq'`)).toEqual([])
})

test('a pgmq that is installed is used as it is', async () => {
  await query(database.url, `${SQL}; comment on function pgmq.create(text) is 'theirs'`)
  expect(await opened(database.url).publish(batch(0))).toBe('published')
  expect(await query(database.url, `select obj_description('pgmq.create(text)'::regprocedure) as of`)).toEqual([{ of: 'theirs' }])
  expect(await popped(database.url, 'shop')).toHaveLength(1)
})

test('two servers that meet no pgmq at once both come to publish', async () => {
  const [one, two] = [opened(database.url), opened(database.url)]
  const tried = await Promise.allSettled([one.publish(batch(0)), two.publish({ ...batch(0), moves: [] })])
  expect(tried.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1)
  for (const [n, { status }] of tried.entries())
    if (status === 'rejected') await (n === 0 ? one : two).publish(n === 0 ? batch(0) : { ...batch(0), moves: [] })
  expect(await popped(database.url, 'shop')).toHaveLength(2)
})

test('a role that may not make the functions is told so, and the events wait', async () => {
  const role = `poor_${process.pid}`
  await query(
    database.url,
    `create role ${role} login password 'poor'; grant select, insert, update on publisher_checkpoint to ${role}`,
  )
  onTestFinished(async () => {
    await query(database.url, `drop owned by ${role}; drop role ${role}`)
  })
  const url = new URL(database.url)
  url.username = role
  url.password = 'poor'
  await expect(opened(url.href).publish(batch(0))).rejects.toThrow(/functions of pgmq cannot be made/)
})

describe('the functions of pgmq', () => {
  const sql = async (text: string, values: readonly unknown[] = []) => query(database.url, text, values)
  beforeEach(() => sql(`${SQL}; select pgmq.create('jobs')`))

  test('a message is sent, read, hidden for its time, and deleted', async () => {
    expect(await sql(`select * from pgmq.send('jobs', '{"a":1}') as id`)).toEqual([{ id: '1' }])
    const [read] = await sql(`select * from pgmq.read('jobs', 30, 10)`)
    expect(read).toMatchObject({ msg_id: '1', read_ct: 1, message: { a: 1 }, headers: null })
    expect(await sql(`select * from pgmq.read('jobs', 30, 10)`)).toEqual([])
    await sql(`select pgmq.set_vt('jobs', 1, 0)`)
    expect(await sql(`select read_ct from pgmq.read('jobs', 0, 1)`)).toEqual([{ read_ct: 2 }])
    expect(await sql(`select pgmq.delete('jobs', 1) as gone, pgmq.delete('jobs', 99) as missing`)).toEqual([
      { gone: true, missing: false },
    ])
  })

  test('a batch keeps its order, its headers, and its delay', async () => {
    await sql(`select pgmq.send_batch('jobs', array['1','2','3']::jsonb[], array['{"h":1}','{"h":2}','{"h":3}']::jsonb[])`)
    await sql(`select pgmq.send_batch('jobs', array['4']::jsonb[], 60)`)
    await sql(`select pgmq.send('jobs', '5', '{"h":5}'::jsonb, 60), pgmq.send('jobs', '6', now() + interval '1 hour')`)
    expect(await sql(`select message, headers from pgmq.read('jobs', 10, 10)`)).toEqual(
      [1, 2, 3].map((n) => ({ message: n, headers: { h: n } })),
    )
    await expect(sql(`select pgmq.send_batch('jobs', array['1','2']::jsonb[], array['{}']::jsonb[])`)).rejects.toThrow(
      /as many headers/,
    )
  })

  test('messages are popped, archived, purged and counted', async () => {
    await sql(`select pgmq.send_batch('jobs', array['1','2','3','4','5']::jsonb[])`)
    expect(await sql(`select message from pgmq.pop('jobs')`)).toEqual([{ message: 1 }])
    expect(
      await sql(`select pgmq.archive('jobs', 2) as one, (select count(*)::int from pgmq.archive('jobs', array[3, 99])) as many`),
    ).toEqual([{ one: true, many: 1 }])
    expect(await sql(`select message from pgmq.a_jobs order by msg_id`)).toEqual([{ message: 2 }, { message: 3 }])
    expect(await sql(`select queue_length, total_messages, queue_visible_length from pgmq.metrics('jobs')`)).toEqual([
      { queue_length: '2', total_messages: '5', queue_visible_length: '2' },
    ])
    expect(await sql(`select queue_name from pgmq.metrics_all()`)).toEqual([{ queue_name: 'jobs' }])
    expect(await sql(`select count(*)::int as deleted from pgmq.delete('jobs', array[4])`)).toEqual([{ deleted: 1 }])
    expect(await sql(`select pgmq.purge_queue('jobs') as purged`)).toEqual([{ purged: '1' }])
  })

  test('a read may choose by content, and may wait for a message', async () => {
    await sql(`select pgmq.send_batch('jobs', array['{"a":1}','{"a":2}']::jsonb[])`)
    expect(await sql(`select message from pgmq.read('jobs', 0, 10, '{"a":2}')`)).toEqual([{ message: { a: 2 } }])
    await sql(`select pgmq.purge_queue('jobs')`)
    const waiting = sql(`select message from pgmq.read_with_poll('jobs', 1, 1, 20, 10)`)
    await sql(`select pgmq.send('jobs', '"late"')`)
    expect(await waiting).toEqual([{ message: 'late' }])
  })

  test('queues are listed and dropped; a name that no table can have is refused', async () => {
    await sql(
      `select pgmq.create_unlogged('quick'), pgmq.create_non_partitioned('plain'), pgmq.create('jobs'), pgmq.detach_archive('jobs')`,
    )
    expect(await sql(`select queue_name, is_unlogged, is_partitioned from pgmq.list_queues()`)).toEqual([
      { queue_name: 'jobs', is_unlogged: false, is_partitioned: false },
      { queue_name: 'plain', is_unlogged: false, is_partitioned: false },
      { queue_name: 'quick', is_unlogged: true, is_partitioned: false },
    ])
    expect(await sql(`select pgmq.drop_queue('jobs') as dropped, pgmq.drop_queue('none') as missing`)).toEqual([
      { dropped: true, missing: false },
    ])
    await expect(sql(`select pgmq.create('a"b')`)).rejects.toThrow(/invalid characters/)
    await expect(sql(`select pgmq.create(repeat('x', 48))`)).rejects.toThrow(/too long/)
  })

  test('two readers never have one message at once', async () => {
    await sql(`select pgmq.send_batch('jobs', (select array_agg(to_jsonb(n)) from generate_series(1, 200) as n))`)
    const readers = await Promise.all(Array.from({ length: 8 }, () => sql(`select msg_id from pgmq.read('jobs', 60, 25)`)))
    const ids = readers.flat().map((row) => row['msg_id'])
    expect(new Set(ids).size).toBe(200)
    expect(ids.length).toBe(200)
  })
})
