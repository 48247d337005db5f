/** What every store of projected rows promises: the numbers are the port's (P1 to P3). */
import {
  durationMs,
  handlerName,
  handlerQueue,
  instant,
  type KeyRow,
  namespaceOf,
  partitionNumber,
  placeId,
  queueName,
  type ReadyRow,
  stepId,
  type TaskId,
  taskIdFrom,
  type TaskRow,
  type TimerKind,
  type TimerRow,
  trustedJson,
  workerId,
} from '@tasker/core'
import type { CheckpointMove, ProjectionBatch, ProjectionStore } from '@tasker/server/internal/projections/port'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ReadyShape, readyRowOf } from '../../support/ready-row.js'

export interface StoreHarness {
  readonly store: ProjectionStore
  /** Tags and status of the stored task rows, by id. */
  tasks(): Promise<readonly { readonly taskId: unknown; readonly status: unknown; readonly tags: unknown }[]>
  close(): Promise<void>
}

export const taskIdNumber = (n: number): TaskId => taskIdFrom(1_700_000_000_000 + n, new Uint8Array(10))

export const taskRow = (taskId: TaskId, parts: Partial<TaskRow> = {}): TaskRow => ({
  taskId,
  namespace: namespaceOf('shop'),
  name: 'order',
  version: '1.0.0',
  status: 'steps_in_process',
  priority: 0,
  tags: [],
  initiator: undefined,
  sourceSystem: undefined,
  reason: undefined,
  correlationId: 'c',
  createdAt: instant(1_700_000_000_000),
  updatedAt: instant(1_700_000_000_001),
  endedAt: undefined,
  streamVersion: 2,
  steps: trustedJson('[]'),
  ...parts,
})

const readyRow = (taskId: TaskId, step: string, parts: Partial<ReadyShape> = {}): ReadyRow =>
  readyRowOf({ taskId, step: stepId(step), handler: handlerName('Charge'), readyAt: instant(1_000), ...parts })

const timerRow = (taskId: TaskId, kind: TimerKind, dueAt: number, parts: Partial<TimerRow> = {}): TimerRow => ({
  taskId,
  kind,
  step: undefined,
  attempt: 0,
  dueAt: instant(dueAt),
  worker: undefined,
  ...parts,
})

const move = (partition: number, from: number, to: number): CheckpointMove => ({
  partition: partitionNumber(partition),
  from,
  to,
})

export const batchOf = (checkpoints: readonly CheckpointMove[], parts: Partial<ProjectionBatch> = {}): ProjectionBatch => ({
  checkpoints,
  tasks: [],
  cleared: [],
  ready: [],
  timers: [],
  identities: [],
  snapshots: [],
  activity: [],
  keys: [],
  schedules: [],
  deadLetters: [],
  removed: [],
  ...parts,
})

const T1 = taskIdNumber(1)
const T2 = taskIdNumber(2)
const SHOP = namespaceOf('shop')
const CHARGE = handlerQueue(handlerName('Charge'))
const TEN = { after: undefined, keysMax: 10, rowsMax: 10 }

export const describeProjectionStore = (name: string, open: () => Promise<StoreHarness>): void => {
  describe(`projected rows in ${name}`, () => {
    let harness: StoreHarness
    let store: ProjectionStore
    beforeEach(async () => {
      harness = await open()
      store = harness.store
    })
    afterEach(() => harness.close())

    test('an empty store has no checkpoints and no rows', async () => {
      expect(await store.checkpoints()).toEqual(new Map())
      expect(await store.ready(SHOP, CHARGE, TEN)).toEqual({ rows: [], checkpoints: new Map() })
      expect(await store.timers(instant(9_999), 10)).toEqual({ rows: [], checkpoints: new Map() })
      expect(await store.readyQueues()).toEqual([])
      expect(await store.inFlight()).toEqual([])
      expect(await store.identity('scope')).toBeUndefined()
    })

    test('rows come with the checkpoints they were written with (P1, P3)', async () => {
      const row = readyRow(T1, 'charge')
      const timer = timerRow(T1, 'step_timeout', 5_000, { step: stepId('x'), attempt: 3, worker: workerId('w-1') })
      const written = batchOf([move(0, 0, 5), move(3, 0, 2)], { ready: [row], timers: [timer], tasks: [taskRow(T1)] })
      expect(await store.write(written)).toBe('written')
      const checkpoints = new Map([
        [partitionNumber(0), 5],
        [partitionNumber(3), 2],
      ])
      expect(await store.checkpoints()).toEqual(checkpoints)
      expect(await store.ready(SHOP, CHARGE, TEN)).toEqual({ rows: [row], checkpoints })
      expect(await store.timers(instant(5_001), 10)).toEqual({ rows: [timer], checkpoints })
      expect(await store.timers(instant(5_000), 10)).toEqual({ rows: [], checkpoints })
      expect(await store.inFlight()).toEqual([timer])
    })

    test.each([
      { what: 'behind', moves: [move(0, 3, 6)] },
      { what: 'ahead', moves: [move(0, 9, 10)] },
      { what: 'right for one partition and wrong for another', moves: [move(1, 0, 4), move(0, 3, 6)] },
      { what: 'a first one although there is one', moves: [move(0, 0, 6)] },
    ])('a writer whose checkpoint is $what writes nothing (P2)', async ({ moves }) => {
      await store.write(batchOf([move(0, 0, 5)], { tasks: [taskRow(T1)], ready: [readyRow(T1, 'charge')] }))
      const stale = batchOf(moves, {
        tasks: [taskRow(T1, { status: 'complete' }), taskRow(T2)],
        cleared: [T1],
        ready: [readyRow(T2, 'charge')],
        timers: [timerRow(T2, 'run_at', 1)],
        identities: [{ scope: 's', taskId: T2 }],
      })
      expect(await store.write(stale)).toBe('conflict')
      expect(await store.checkpoints()).toEqual(new Map([[partitionNumber(0), 5]]))
      expect(await harness.tasks()).toMatchObject([{ taskId: T1, status: 'steps_in_process' }])
      expect((await store.ready(SHOP, CHARGE, TEN)).rows).toEqual([readyRow(T1, 'charge')])
      expect((await store.timers(instant(10), 10)).rows).toEqual([])
      expect(await store.identity('s')).toBeUndefined()
    })

    test('of two writers with the same belief one writes (P2)', async () => {
      await store.write(batchOf([move(0, 0, 1)]))
      const both = await Promise.all([store.write(batchOf([move(0, 1, 2)])), store.write(batchOf([move(0, 1, 3)]))])
      expect([...both].sort()).toEqual(['conflict', 'written'])
    })

    test('a task is one row, the last one written', async () => {
      const tags = ['plain', 'with "quotes"', 'back\\slash', 'comma, {brace}', 'NULL', '', '🦀']
      await store.write(batchOf([move(0, 0, 1)], { tasks: [taskRow(T1, { tags }), taskRow(T2)] }))
      await store.write(batchOf([move(0, 1, 2)], { tasks: [taskRow(T1, { tags, status: 'complete', endedAt: instant(5) })] }))
      expect(await harness.tasks()).toMatchObject([
        { taskId: T1, status: 'complete', tags },
        { taskId: T2, tags: [] },
      ])
    })

    test('a NUL in a text of a task does not stop the others', async () => {
      await store.write(batchOf([move(0, 0, 1)], { tasks: [taskRow(T1, { reason: 'a\0b', tags: ['x\0'] }), taskRow(T2)] }))
      expect((await harness.tasks()).map((row) => row.taskId)).toEqual([T1, T2])
    })

    test('what a task waited for is replaced as a whole, also by rows with the same keys', async () => {
      const before = batchOf([move(0, 0, 1)], {
        cleared: [T1, T2],
        ready: [readyRow(T1, 'a'), readyRow(T1, 'b'), readyRow(T2, 'a')],
        timers: [
          timerRow(T1, 'retry', 10, { step: stepId('a'), attempt: 1 }),
          timerRow(T1, 'run_at', 20),
          timerRow(T2, 'run_at', 30),
        ],
      })
      const again = readyRow(T1, 'a', { attempt: 2 })
      const retry = timerRow(T1, 'retry', 40, { step: stepId('a'), attempt: 2 })
      await store.write(before)
      expect(await store.write(batchOf([move(0, 1, 2)], { cleared: [T1], ready: [again], timers: [retry] }))).toBe('written')
      expect((await store.ready(SHOP, CHARGE, TEN)).rows).toEqual([again, readyRow(T2, 'a')])
      expect((await store.timers(instant(100), 10)).rows).toEqual([timerRow(T2, 'run_at', 30), retry])
    })

    test('a queue gives its most urgent rows first, and no more than asked', async () => {
      const rows = [
        readyRow(T1, 'late', { readyAt: instant(3) }),
        readyRow(T1, 'early', { readyAt: instant(1) }),
        readyRow(T2, 'urgent', { priority: 5, readyAt: instant(9) }),
        readyRow(T2, 'other', { handler: handlerName('Ship') }),
        readyRow(T2, 'foreign', { namespace: namespaceOf('bank') }),
      ]
      await store.write(batchOf([move(0, 0, 1)], { ready: rows }))
      expect((await store.ready(SHOP, CHARGE, { ...TEN, rowsMax: 2 })).rows.map((row) => row.step)).toEqual(['urgent', 'early'])
      const queues = (await store.readyQueues()).map((queue) => `${queue.namespace} ${queue.queue} ${queue.waiting}`)
      expect([...queues].sort()).toEqual(['bank handler Charge 1', 'shop handler Charge 3', 'shop handler Ship 1'])
    })

    test('a point of priority goes before six seconds of waiting, and not before more', async () => {
      const rows = [
        readyRow(T1, 'waited', { readyAt: instant(0) }),
        readyRow(T1, 'urgent', { priority: 1, readyAt: instant(5_999) }),
        readyRow(T2, 'later', { priority: 1, readyAt: instant(6_001) }),
        readyRow(T2, 'lowly', { priority: -100, readyAt: instant(0) }),
        readyRow(T2, 'lofty', { priority: 100, readyAt: instant(1_200_001) }),
      ]
      await store.write(batchOf([move(0, 0, 1)], { ready: rows }))
      const { rows: found } = await store.ready(SHOP, CHARGE, TEN)
      expect(found.map((row) => row.step)).toEqual(['urgent', 'waited', 'later', 'lowly', 'lofty'])
    })

    test('each fairness key has its share of a refill, and a stretch of the keys gives one row of each', async () => {
      const rows = ['b', 'a', '', 'ü', '🦀', '\u{fffd}'].flatMap((fairnessKey, key) =>
        Array.from({ length: 4 }, (_, n) =>
          readyRow(taskIdNumber(key * 10 + n), 'a', { fairnessKey, readyAt: instant(100 - n) }),
        ),
      )
      await store.write(batchOf([move(0, 0, 1)], { ready: rows }))
      const asked = async (after: string | undefined, keysMax: number, rowsMax: number): Promise<readonly string[]> =>
        (await store.ready(SHOP, CHARGE, { after, keysMax, rowsMax })).rows.map((row) => `${row.fairnessKey}${row.readyAt}`)
      expect(await asked(undefined, 10, 12)).toEqual(
        ['', 'a', 'b', 'ü', '\u{fffd}', '🦀'].flatMap((key) => [`${key}97`, `${key}98`]),
      )
      expect(await asked(undefined, 3, 12)).toEqual(['97', 'a97', 'b97'])
      expect(await asked('b', 3, 12)).toEqual(['ü97', '\u{fffd}97', '🦀97'])
      expect(await asked('🦀', 3, 12)).toEqual([])
      expect((await asked(undefined, 10, 1_000)).length).toBe(24)
    })

    test('a step that waits for a key waits in its queue, with the limit it asks for', async () => {
      const queue = queueName('rate api')
      const row: ReadyRow = { ...readyRow(T1, 'charge'), queue, gate: { limit: 3, perMs: durationMs(60_000) } }
      const other: ReadyRow = { ...readyRow(T2, 'charge'), queue, gate: { limit: 2, perMs: undefined } }
      await store.write(batchOf([move(0, 0, 1)], { ready: [row, other] }))
      expect((await store.ready(SHOP, queue, TEN)).rows).toEqual([row, other])
      expect(await store.readyQueues()).toEqual([{ namespace: SHOP, queue, waiting: 2 }])
    })

    test('a key is one row, the last one written; those with holders are listed', async () => {
      const place = { taskId: T1, step: stepId('a\u{1f980}'), attempt: 2, grantedAt: instant(7), perMs: durationMs(500) }
      const key = (queue: string, streamVersion: number, held: boolean): KeyRow => ({
        namespace: SHOP,
        queue: queueName(queue),
        streamVersion,
        state: { limit: 4, perMs: held ? durationMs(500) : undefined, places: new Map(held ? [[placeId(place), place]] : []) },
      })
      await store.write(batchOf([move(0, 0, 1)], { keys: [key('rate a', 1, true), key('rate b', 1, true)] }))
      await store.write(batchOf([move(0, 1, 2)], { keys: [key('rate b', 2, false)] }))
      expect(await store.key(SHOP, queueName('rate a'))).toEqual(key('rate a', 1, true))
      expect(await store.key(SHOP, queueName('rate b'))).toEqual(key('rate b', 2, false))
      expect(await store.key(namespaceOf('bank'), queueName('rate a'))).toBeUndefined()
      expect((await store.heldKeys()).map(({ queue }) => queue)).toEqual(['rate a'])
    })

    test('the steps that have waited longest in a queue come oldest first, page by page', async () => {
      const rows = [
        readyRow(T1, 'b', { readyAt: instant(1), priority: -5 }),
        readyRow(T1, 'c', { readyAt: instant(2), priority: 9 }),
        readyRow(T2, 'a', { readyAt: instant(2) }),
        readyRow(T2, 'late', { readyAt: instant(5) }),
        readyRow(T2, 'other', { handler: handlerName('Ship'), readyAt: instant(1) }),
      ]
      await store.write(batchOf([move(0, 0, 1)], { ready: rows }))
      const first = await store.longestWaiting(SHOP, CHARGE, instant(5), undefined, 2)
      expect(first.map((row) => row.step)).toEqual(['b', 'c'])
      const second = await store.longestWaiting(SHOP, CHARGE, instant(5), first[1], 2)
      expect(second.map((row) => row.step)).toEqual(['a'])
      expect(await store.longestWaiting(SHOP, CHARGE, instant(5), second[0], 2)).toEqual([])
    })

    test('timers come earliest first, and no more than asked', async () => {
      const timers = [30, 10, 20].map((dueAt, index) => timerRow(taskIdNumber(index), 'run_at', dueAt))
      await store.write(batchOf([move(0, 0, 1)], { timers }))
      expect((await store.timers(instant(100), 2)).rows.map((row) => row.dueAt)).toEqual([10, 20])
    })

    test('an identity leads to its task', async () => {
      await store.write(batchOf([move(0, 0, 1)], { identities: [{ scope: 'ab12', taskId: T2 }] }))
      expect(await store.identity('ab12')).toBe(T2)
    })

    test('of a task the last snapshot is kept, byte for byte, and none of what a conflict did not write', async () => {
      const first = { taskId: T1, version: 500, schema: '1-a', hash: Buffer.alloc(32, 1), state: '{"text":"\\u0000 \\ud800 é"}' }
      const second = { ...first, version: 1_000, schema: '2-b', hash: Buffer.alloc(32, 2), state: '{"text":"x"}' }
      expect(await store.snapshot(T1)).toBeUndefined()
      await store.write(batchOf([move(0, 0, 1)], { snapshots: [first, { ...first, taskId: T2 }] }))
      expect(await store.snapshot(T1)).toEqual(first)
      expect(await store.write(batchOf([move(0, 0, 2)], { snapshots: [second] }))).toBe('conflict')
      expect(await store.snapshot(T1)).toEqual(first)
      await store.write(batchOf([move(0, 1, 2)], { snapshots: [second] }))
      expect(await store.snapshot(T1)).toEqual(second)
      expect(await store.snapshot(T2)).toEqual({ ...first, taskId: T2 })
    })
  })
}
