/** Dead letters in PostgreSQL: written by the projection, listed, ranked and counted by the read side. */
import {
  type DeadLetterRow,
  handlerName,
  instant,
  namespaceOf,
  partitionNumber,
  stepId,
  type TaskId,
  trustedJson,
} from '@tasker/core'
import { openPool, type Pool } from '@tasker/server/internal/database'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import type { ProjectionStore } from '@tasker/server/internal/projections/port'
import { openPostgresStore, PROJECTION } from '@tasker/server/internal/projections/postgres-store'
import { postgresQuery } from '@tasker/server/internal/query/postgres-query'
import type { DeadLetterQuery } from '@tasker/server/internal/query/dead-letters'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { readyRowOf } from '../../support/ready-row.js'
import { batchOf, taskIdNumber, taskRow } from '../projections/contract.js'

let database: TestDatabase
let pool: Pool
let store: ProjectionStore
let letters: DeadLetterQuery
let written = 0

const MINUTE = 60_000
const SHOP = namespaceOf('shop')
const START = Date.UTC(2026, 0, 1)

beforeAll(async () => {
  database = await freshDatabase()
  pool = openPool({ url: database.url, applicationName: 'tests', connectionsMax: 4 })
  letters = postgresQuery({ reader: pool, projection: PROJECTION }).deadLetters
  store = await openPostgresStore({ url: database.url })
})
afterAll(async () => {
  await store.close()
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  await store.close()
  await query(database.url, 'truncate task, ready_step, timer, identity, dead_letter, projection_checkpoint')
  store = await openPostgresStore({ url: database.url })
  written = 0
})

const letter = (taskId: TaskId, entry: number, parts: Partial<DeadLetterRow> = {}): DeadLetterRow => ({
  taskId,
  entry,
  namespace: SHOP,
  name: 'order',
  version: '1.0.0',
  reason: 'staleness_timeout',
  status: 'pending',
  originalState: 'steps_in_process',
  step: undefined,
  openedAt: instant(START),
  resolvedAt: undefined,
  resolvedBy: undefined,
  notes: undefined,
  metadata: undefined,
  snapshot: trustedJson('{"step_counts":{}}'),
  ...parts,
})

const write = async (...deadLetters: readonly DeadLetterRow[]): Promise<void> => {
  const checkpoint = { partition: partitionNumber(0), from: written, to: ++written }
  const ids = [...new Set(deadLetters.map(({ taskId }) => taskId))]
  const batch = batchOf([checkpoint], { tasks: ids.map((taskId) => taskRow(taskId)), deadLetters })
  expect(await store.write(batch)).toBe('written')
}

const T1 = taskIdNumber(1)
const T2 = taskIdNumber(2)

test('an entry comes back as it was written, with a NUL in its notes shown', async () => {
  const full = letter(T1, 1, {
    reason: 'worker_unavailable',
    status: 'manually_resolved',
    step: stepId('a'),
    resolvedAt: instant(START + 5),
    resolvedBy: 'ann',
    notes: 'a "quoted" \\ 🦀',
    metadata: trustedJson('{ "n": 1.0 }'),
  })
  await write(full, letter(T2, 1, { notes: 'a\0b' }))
  const { rows } = await letters.list({ filter: {} })
  expect(rows).toEqual([letter(T2, 1, { notes: 'a\u2400b' }), full])
})

test('entries take the place of what was stored of their task, and those it forgot go; the memory store agrees', async () => {
  const memory = memoryStore()
  const batches = [
    [letter(T1, 1), letter(T1, 2, { status: 'cancelled' }), letter(T2, 1)],
    [letter(T1, 2, { status: 'cancelled', notes: 'n' }), letter(T1, 3)],
  ]
  for (const [index, deadLetters] of batches.entries()) {
    await write(...deadLetters)
    await memory.write(batchOf([{ partition: partitionNumber(0), from: index, to: index + 1 }], { deadLetters }))
  }
  const { rows } = await letters.list({ filter: {} })
  const byPlace = (a: DeadLetterRow, b: DeadLetterRow): number =>
    a.taskId < b.taskId ? -1 : a.taskId > b.taskId ? 1 : a.entry - b.entry
  expect(rows.toSorted(byPlace)).toEqual([letter(T1, 2, { status: 'cancelled', notes: 'n' }), letter(T1, 3), letter(T2, 1)])
  expect(memory.dump().deadLetters).toEqual(rows.toSorted(byPlace))
})

test('a writer behind the checkpoint writes no entry (P2)', async () => {
  await write(letter(T1, 1))
  const stale = batchOf([{ partition: partitionNumber(0), from: 0, to: 9 }], { deadLetters: [letter(T2, 1)] })
  expect(await store.write(stale)).toBe('conflict')
  expect((await letters.list({ filter: {} })).rows.map(({ taskId }) => taskId)).toEqual([T1])
})

describe('lists', () => {
  test('pages hang together, newest first', async () => {
    const many = Array.from({ length: 23 }, (_, index) =>
      letter(taskIdNumber(index % 7), 1 + Math.floor(index / 7), {
        openedAt: instant(START + Math.floor(index / 3) * MINUTE),
        status: 'cancelled',
      }),
    )
    await write(...many)
    const places: string[] = []
    let cursor: string | undefined
    do {
      const page = await letters.list({
        filter: {},
        limit: 5,
        ...(cursor === undefined ? {} : { start: { type: 'cursor', cursor } }),
      })
      places.push(...page.rows.map(({ openedAt, taskId, entry }) => `${openedAt}/${taskId}/${entry}`))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(places).toHaveLength(23)
    expect(places).toEqual([...places].sort().reverse())
    const offset = await letters.list({ filter: {}, limit: 5, start: { type: 'offset', rows: 20 } })
    expect(offset.rows).toHaveLength(3)
    await expect(letters.list({ filter: {}, start: { type: 'cursor', cursor: 'x' } })).rejects.toMatchObject({
      reason: 'INVALID_CURSOR',
    })
  })

  test('filters choose', async () => {
    await write(
      letter(T1, 1, { status: 'cancelled' }),
      letter(T1, 2, { reason: 'manual_dlq' }),
      letter(T2, 1, { namespace: namespaceOf('bank') }),
    )
    const found = async (filter: Parameters<DeadLetterQuery['list']>[0]['filter']): Promise<readonly string[]> =>
      (await letters.list({ filter })).rows.map(({ taskId, entry }) => `${taskId === T1 ? 1 : 2}-${entry}`).toSorted()
    expect(await found({ statuses: ['pending'] })).toEqual(['1-2', '2-1'])
    expect(await found({ statuses: ['pending', 'cancelled'] })).toEqual(['1-1', '1-2', '2-1'])
    expect(await found({ reason: 'manual_dlq' })).toEqual(['1-2'])
    expect(await found({ namespace: SHOP })).toEqual(['1-1', '1-2'])
    expect(await found({ taskId: T2 })).toEqual(['2-1'])
  })

  test('a list waits for the writes it was told of', async () => {
    await write(letter(T1, 1))
    expect((await letters.list({ filter: {}, consistencyTokens: ['0:1'] })).rows).toHaveLength(1)
    await expect(letters.list({ filter: {}, consistencyTokens: ['0:99'] })).rejects.toMatchObject({
      reason: 'CONSISTENCY_TIMEOUT',
    })
  })
})

test('the most urgent entry is looked at first: by reason, then by age', async () => {
  const now = instant(START + 1_000 * MINUTE)
  const old = instant(START + 300 * MINUTE)
  await write(
    letter(taskIdNumber(1), 1, { reason: 'manual_dlq', openedAt: now }),
    letter(taskIdNumber(2), 1, { reason: 'staleness_timeout', openedAt: now }),
    letter(taskIdNumber(3), 1, { reason: 'max_retries_exceeded', openedAt: now }),
    letter(taskIdNumber(4), 1, { reason: 'worker_unavailable', openedAt: old }),
    letter(taskIdNumber(5), 1, { reason: 'max_retries_exceeded', openedAt: old, status: 'cancelled' }),
  )
  const ranked = await letters.investigations(now, 10)
  expect(ranked.map(({ row, priority }) => `${row.reason} ${priority}`)).toEqual([
    'worker_unavailable 750',
    'max_retries_exceeded 500',
    'staleness_timeout 100',
    'manual_dlq 10',
  ])
  expect(ranked[0]?.waitedMinutes).toBe(700)
  expect(await letters.investigations(now, 1)).toHaveLength(1)
  expect(await letters.pendingCount()).toBe(4)
})

test('figures are by reason', async () => {
  await write(
    letter(T1, 1, { status: 'cancelled', resolvedAt: instant(START + 4 * MINUTE) }),
    letter(T1, 2, { status: 'manually_resolved', openedAt: instant(START + MINUTE), resolvedAt: instant(START + 3 * MINUTE) }),
    letter(T2, 1, { reason: 'manual_dlq' }),
  )
  expect(await letters.stats()).toEqual([
    {
      reason: 'staleness_timeout',
      total: 2,
      byStatus: { pending: 0, manually_resolved: 1, permanently_failed: 0, cancelled: 1 },
      oldestAt: START,
      newestAt: START + MINUTE,
      resolutionMinutesMean: 3,
    },
    {
      reason: 'manual_dlq',
      total: 1,
      byStatus: { pending: 1, manually_resolved: 0, permanently_failed: 0, cancelled: 0 },
      oldestAt: START,
      newestAt: START,
      resolutionMinutesMean: undefined,
    },
  ])
  expect(await letters.stats(namespaceOf('bank'))).toEqual([])
})

test('the tasks that have been still for longest are those that wait for a worker, a time or a person', async () => {
  const ids = [1, 2, 3, 4].map(taskIdNumber)
  const [ready, timed, pending, done] = ids
  if (ready === undefined || timed === undefined || pending === undefined || done === undefined) throw new Error('four ids')
  const batch = batchOf([{ partition: partitionNumber(0), from: 0, to: 1 }], {
    tasks: ids.map((taskId, index) =>
      taskRow(taskId, { updatedAt: instant(START - index), endedAt: taskId === done ? instant(START) : undefined }),
    ),
    ready: [readyRowOf({ taskId: ready, step: stepId('a'), handler: handlerName('h'), readyAt: instant(1) })],
    timers: [{ taskId: timed, kind: 'staleness', step: undefined, attempt: 0, dueAt: instant(9), worker: undefined }],
    deadLetters: [letter(pending, 1), letter(done, 1)],
  })
  await store.write(batch)
  expect(await letters.stillest(10)).toEqual([pending, timed, ready])
  expect(await letters.stillest(1)).toEqual([pending])
  expect(await letters.stillest(10, namespaceOf('bank'))).toEqual([])
})
