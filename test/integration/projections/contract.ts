/** What every store of projected rows promises: the numbers are the port's (P1 to P3). */
import {
  handlerName,
  instant,
  namespaceOf,
  partitionNumber,
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

const readyRow = (taskId: TaskId, step: string, parts: Partial<ReadyRow> = {}): ReadyRow => ({
  taskId,
  step: stepId(step),
  attempt: 1,
  namespace: namespaceOf('shop'),
  handler: handlerName('Charge'),
  priority: 0,
  readyAt: instant(1_000),
  ...parts,
})

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
  activity: [],
  ...parts,
})

const T1 = taskIdNumber(1)
const T2 = taskIdNumber(2)
const SHOP = namespaceOf('shop')
const CHARGE = handlerName('Charge')

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
      expect(await store.ready(SHOP, CHARGE, 10)).toEqual({ rows: [], checkpoints: new Map() })
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
      expect(await store.ready(SHOP, CHARGE, 10)).toEqual({ rows: [row], checkpoints })
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
      expect((await store.ready(SHOP, CHARGE, 10)).rows).toEqual([readyRow(T1, 'charge')])
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
      expect((await store.ready(SHOP, CHARGE, 10)).rows).toEqual([again, readyRow(T2, 'a')])
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
      expect((await store.ready(SHOP, CHARGE, 2)).rows.map((row) => row.step)).toEqual(['urgent', 'early'])
      const queues = (await store.readyQueues()).map((queue) => `${queue.namespace} ${queue.handler} ${queue.waiting}`)
      expect([...queues].sort()).toEqual(['bank Charge 1', 'shop Charge 3', 'shop Ship 1'])
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
  })
}
