/** Lists of tasks on a real PostgreSQL: filters, orders, pages, freshness. */
import { type Instant, instant, LIMITS, namespaceOf, partitionNumber, taskIdFrom } from '@tasker/core'
import { openPool, type Pool } from '@tasker/server/internal/database'
import { memoryTaskLists } from '@tasker/server/internal/query/memory-query'
import { postgresQuery } from '@tasker/server/internal/query/postgres-query'
import type { Query, TaskListing, TaskPage } from '@tasker/server/internal/query/query'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { postgresProxy } from '../../support/postgres-proxy.js'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'

let database: TestDatabase
let pool: Pool
let query: Query

const PROJECTION = { name: 'tasks', version: 1 }
const START_MS = Date.UTC(2026, 0, 1)
const COUNT = 23

beforeAll(async () => {
  database = await freshDatabase()
  pool = openPool({ url: database.url, applicationName: 'tests', connectionsMax: 4 })
  query = postgresQuery({ reader: pool, projection: PROJECTION })
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  await pool.query('truncate task, projection_checkpoint')
  for (let number = 0; number < COUNT; number++) await insertTask(number)
})

const idOf = (number: number): string =>
  taskIdFrom(
    START_MS + number,
    Uint8Array.from({ length: 10 }, () => number),
  )

/** Tasks are created three at a time, and updated in the opposite order. */
const createdAtMs = (number: number): number => START_MS + Math.floor(number / 3) * 1_000
const updatedAtMs = (number: number): number => START_MS + (COUNT - number) * 60_000

const insertTask = async (number: number): Promise<void> => {
  await pool.query(
    `insert into task (task_id, namespace, name, version, status, priority, tags, initiator, source_system, reason, correlation_id,
       created_at_ms, updated_at_ms, ended_at_ms, stream_version, steps)
     values ($1, $2, $3, '1.0.0', $4, 5, $5, $6, null, $7, $8, $9, $10, $11, 7, $12)`,
    [
      idOf(number),
      number % 2 === 0 ? 'shop' : 'bank',
      `order_${number % 5}`,
      number % 4 === 0 ? 'complete' : 'pending',
      [`tag-${number}`, 'all'],
      number === 3 ? 'ann' : null,
      number === 4 ? 'Because of 100% of it_all' : null,
      `c-${number}`,
      createdAtMs(number),
      updatedAtMs(number),
      number % 4 === 0 ? updatedAtMs(number) : null,
      `[{"step_id": "a", "n": ${number}}]`,
    ],
  )
}

const numbersOf = (page: TaskPage): readonly number[] => page.rows.map(({ correlationId }) => Number(correlationId.slice(2)))
const listed = async (listing: Partial<TaskListing>): Promise<readonly number[]> =>
  numbersOf(await query.listTasks({ filter: {}, ...listing }))

test('a row comes back as it was written', async () => {
  const { rows } = await query.listTasks({ filter: { correlationId: 'c-4' } })
  expect(rows).toEqual([
    {
      taskId: idOf(4),
      namespace: 'shop',
      name: 'order_4',
      version: '1.0.0',
      status: 'complete',
      priority: 5,
      tags: ['tag-4', 'all'],
      initiator: undefined,
      sourceSystem: undefined,
      reason: 'Because of 100% of it_all',
      correlationId: 'c-4',
      createdAt: createdAtMs(4),
      updatedAt: updatedAtMs(4),
      endedAt: updatedAtMs(4),
      streamVersion: 7,
      steps: '[{"step_id": "a", "n": 4}]',
    },
  ])
})

describe('filters', () => {
  const all = Array.from({ length: COUNT }, (_, number) => number)
  test.each<[string, TaskListing['filter'], (number: number) => boolean]>([
    ['none', {}, () => true],
    ['version', { version: '2.0.0' }, () => false],
    ['one status', { statuses: ['complete'] }, (number) => number % 4 === 0],
    ['several statuses', { statuses: ['complete', 'pending'] }, () => true],
    ['no status', { statuses: [] }, () => true],
    ['tag', { tag: 'tag-7' }, (number) => number === 7],
    ['initiator', { initiator: 'ann' }, (number) => number === 3],
    ['name', { name: 'order_2' }, (number) => number % 5 === 2],
    ['text in a tag, in the other case', { text: 'TAG-2' }, (number) => String(number).startsWith('2')],
    ['text with what SQL patterns mean', { text: '100% of it_all' }, (number) => number === 4],
    ['text with quotes', { text: `'; drop table task; --` }, () => false],
  ])('%s', async (_what, filter, expected) => {
    expect((await listed({ filter, limit: 100 })).toSorted((a, b) => a - b)).toEqual(all.filter(expected))
  })

  test('ranges include their start and exclude their end', async () => {
    const { rows } = await query.listTasks({ filter: { correlationId: 'c-5' } })
    const [row] = rows
    if (row === undefined) throw new Error('task 5 is there')
    expect(await listed({ filter: { createdFrom: row.createdAt } })).toContain(5)
    expect(await listed({ filter: { createdBefore: row.createdAt } })).not.toContain(5)
    expect(await listed({ filter: { updatedFrom: row.updatedAt } })).toContain(5)
    expect(await listed({ filter: { updatedBefore: row.updatedAt } })).not.toContain(5)
  })
})

test('the newest come first unless another order is asked for', async () => {
  const newest = await listed({ limit: 100 })
  expect(newest).toEqual(newest.toSorted((a, b) => b - a))
  expect(await listed({ limit: 100, sort: { by: 'updated_at', direction: 'desc' } })).toEqual(newest.toReversed())
})

test('pages by cursor give every row once, in every order, whatever the size of a page', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: COUNT + 2 }),
      fc.constantFrom('created_at' as const, 'updated_at' as const),
      fc.constantFrom('asc' as const, 'desc' as const),
      async (limit, by, direction) => {
        const sort = { by, direction }
        const seen: number[] = []
        let page = await query.listTasks({ filter: {}, sort, limit })
        seen.push(...numbersOf(page))
        while (page.nextCursor !== undefined) {
          page = await query.listTasks({ filter: {}, sort, limit, start: { type: 'cursor', cursor: page.nextCursor } })
          seen.push(...numbersOf(page))
        }
        expect(seen).toEqual(await listed({ sort, limit: 100 }))
      },
    ),
    { numRuns: 25 },
  ))

test('lists over the same rows in memory have the same pages', async () => {
  const { rows } = await query.listTasks({ filter: {}, limit: 100 })
  const memory = memoryTaskLists(() => rows.toSorted((a, b) => a.streamVersion - b.streamVersion))
  const at = (number: number): { readonly createdFrom: Instant; readonly updatedBefore: Instant } => ({
    createdFrom: instant(createdAtMs(number)),
    updatedBefore: instant(updatedAtMs(number)),
  })
  const filters: readonly TaskListing['filter'][] = [
    {},
    { namespace: namespaceOf('shop'), statuses: ['complete'] },
    { name: 'order_2', version: '1.0.0' },
    { statuses: [], tag: 'tag-7' },
    { initiator: 'ann', correlationId: 'c-3' },
    { text: 'TAG-2' },
    { text: '100% of it_all' },
    { createdFrom: at(4).createdFrom, updatedBefore: at(4).updatedBefore },
    { createdBefore: at(9).createdFrom, updatedFrom: at(9).updatedBefore },
  ]
  for (const filter of filters)
    for (const by of ['created_at', 'updated_at'] as const)
      for (const direction of ['asc', 'desc'] as const) {
        const listing = { filter, sort: { by, direction }, limit: 2 }
        const first = await query.listTasks(listing)
        expect(await memory.listTasks(listing)).toEqual(first)
        const more = [{ type: 'offset', rows: 1 } as const, { type: 'cursor', cursor: first.nextCursor ?? '' } as const]
        for (const start of first.nextCursor === undefined ? more.slice(0, 1) : more)
          expect(await memory.listTasks({ ...listing, start })).toEqual(await query.listTasks({ ...listing, start }))
      }
})

test('a task that comes in between does not shift the pages of a cursor', async () => {
  const first = await query.listTasks({ filter: {}, limit: 10 })
  await insertTask(COUNT)
  const second = await query.listTasks({ filter: {}, limit: 10, start: { type: 'cursor', cursor: first.nextCursor ?? '' } })
  expect(numbersOf(second)[0]).toBe((numbersOf(first).at(-1) ?? 0) - 1)
})

test('pages by number begin behind the rows before them', async () => {
  const all = await listed({ limit: 100 })
  expect(await listed({ limit: 5, start: { type: 'offset', rows: 10 } })).toEqual(all.slice(10, 15))
  expect(await listed({ limit: 5, start: { type: 'offset', rows: 1_000 } })).toEqual([])
})

test.each(['', 'abc', Buffer.from('1:created_at:desc:x:y').toString('base64url')])(
  'a cursor that is none is refused: "%s"',
  async (cursor) => {
    await expect(listed({ start: { type: 'cursor', cursor } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      reason: 'INVALID_CURSOR',
    })
  },
)

test('a cursor of another order is refused', async () => {
  const { nextCursor = '' } = await query.listTasks({ filter: {}, limit: 1 })
  const sort = { by: 'updated_at', direction: 'desc' } as const
  await expect(listed({ sort, start: { type: 'cursor', cursor: nextCursor } })).rejects.toMatchObject({
    reason: 'INVALID_CURSOR',
  })
})

describe('a list with a consistency token', () => {
  const projected = (partition: number, seq: number) =>
    pool.query(
      `insert into projection_checkpoint (projection, version, partition, seq) values ($1, $2, $3, $4)
       on conflict (projection, version, partition) do update set seq = excluded.seq`,
      [PROJECTION.name, PROJECTION.version, partitionNumber(partition), seq],
    )

  test('is answered at once when the rows are as fresh', async () => {
    await projected(3, 10)
    expect(await listed({ limit: 1, consistencyTokens: ['3:10', '3:4'] })).toEqual([COUNT - 1])
  })

  test('waits until they are, and then shows them', async () => {
    await projected(3, 9)
    const waiting = listed({ limit: 1, consistencyTokens: ['3:10'] })
    await insertTask(COUNT)
    await projected(3, 10)
    expect(await waiting).toEqual([COUNT])
  })

  test('is a fault that may be repeated when they do not come', async () => {
    await projected(3, 10)
    const asked = performance.now()
    await expect(listed({ consistencyTokens: ['3:10', '5:1'] })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'CONSISTENCY_TIMEOUT',
      message: `The list does not show 5:1 after ${LIMITS.consistencyWaitMsMax} ms yet.`,
      detail: { retryable: true },
    })
    expect(performance.now() - asked).toBeGreaterThanOrEqual(LIMITS.consistencyWaitMsMax)
  })

  test.each(['', '3', '3:', 'a:b', '3:1;4:2', '-1:2'])('is refused when the token is none: "%s"', async (token) => {
    await expect(listed({ consistencyTokens: [token] })).rejects.toMatchObject({ reason: 'INVALID_CONSISTENCY_TOKEN' })
  })
})

test('a database that is away is a fault that may be repeated, whether it goes in the middle or was never there', async () => {
  const proxy = await postgresProxy(database.url)
  const far = openPool({ url: proxy.url, applicationName: 'tests', connectionsMax: 1 })
  const distant = postgresQuery({ reader: far, projection: PROJECTION })
  expect((await distant.listTasks({ filter: {}, limit: 1 })).rows).toHaveLength(1)
  const away = { code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' }
  proxy.cutNext('from task', 'before_answer')
  await expect(distant.listTasks({ filter: {} })).rejects.toMatchObject(away)
  expect((await distant.listTasks({ filter: {}, limit: 1 })).rows).toHaveLength(1)
  await proxy.close()
  await expect(distant.listTasks({ filter: {} })).rejects.toMatchObject(away)
  await far.end()
})
