import { durationMs, handlerQueue, instant, type LiveTask, type Partition, partitionNumber, type TaskId } from '@tasker/core'
import { parseTaskState, STATE_SCHEMA } from '@tasker/server/internal/projections/snapshots/task-state-text'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import type { ProjectionBatch, ProjectionStore } from '@tasker/server/internal/projections/port'
import { type ProjectedStream, Projector } from '@tasker/server/internal/projections/projector'
import type { QueueScan } from '@tasker/server/internal/projections/queue-scan'
import { expect, test } from 'vitest'
import { gate, requestId, SHOP, startTestEngine, submissionOf } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const P0 = partitionNumber(0)
const P1 = partitionNumber(1)
const SNAPSHOT_EVENTS = 4
const hashOf = (n: number): Buffer => Buffer.alloc(32, n)
const INTERVAL_MS = durationMs(100)
const TEN = { after: undefined, keysMax: 10, rowsMax: 10 }

const lanesOf = ({ lanes }: QueueScan) => [...lanes].map(([key, lane]) => ({ key, ...lane }))

/** States of one task on its way: waiting for a worker, running, complete. */
const states = async (): Promise<{ readonly waiting: LiveTask; readonly running: LiveTask; readonly complete: LiveTask }> => {
  const world = await startTestEngine()
  await world.register('order', [{ name: 'a' }])
  const taskId = await world.submitted(submissionOf(1))
  const stateNow = async (): Promise<LiveTask> => {
    const snapshot = await world.engine.read(taskId)
    if (snapshot === undefined) throw new Error('no task')
    return snapshot.state
  }
  const waiting = await stateNow()
  const worker = world.worker()
  await settled()
  const running = await stateNow()
  await worker.workOff()
  return { waiting, running, complete: await stateNow() }
}

/** A store whose writes are watched, and may fail before or after they happen. */
const watched = (fate: (count: number) => 'done' | 'lost' | 'done, answer lost' | Promise<'done'> = () => 'done') => {
  const store = memoryStore()
  const batches: ProjectionBatch[] = []
  const watch: ProjectionStore = {
    ...store,
    write: async (batch) => {
      batches.push(batch)
      const how = await fate(batches.length)
      if (how === 'lost') throw new Error('the write failed')
      const result = await store.write(batch)
      if (how === 'done, answer lost') throw new Error('the answer was lost')
      return result
    },
  }
  return { store, watch, batches }
}

const projecting = (store: ProjectionStore) => {
  const clock = new VirtualClock()
  const conflicts: string[] = []
  const behinds: boolean[] = []
  const projector = new Projector(
    store,
    clock,
    { intervalMs: INTERVAL_MS, snapshotEvents: SNAPSHOT_EVENTS, backlogTasksMax: 4, backlogBytesMax: 1_000 },
    { conflicted: (message) => conflicts.push(message), behind: (behind) => behinds.push(behind) },
  )
  let seq = 0
  const add = (
    state: LiveTask | undefined,
    taskId: TaskId = requestId(1),
    stream: ProjectedStream = { storedRows: 'none', snapshotVersion: 0, bytes: 10 },
    partition: Partition = P0,
  ): void => {
    seq++
    projector.add({
      partition,
      seq,
      at: clock.now(),
      task: state === undefined ? undefined : { taskId, state, version: seq, hash: hashOf(seq), stream },
      identity: undefined,
      activity: [],
    })
  }
  return { clock, projector, conflicts, behinds, add }
}

test('many changes of one task within a pause are one row, and the checkpoint comes with it', async () => {
  const { waiting, running, complete } = await states()
  const { store, watch, batches } = watched()
  const { clock, projector, add } = projecting(watch)
  for (const state of [waiting, running, complete]) add(state)
  expect(projector.lagMs(clock.now())).toBe(0)
  await clock.advance(99)
  expect(batches).toEqual([])
  expect(projector.lagMs(clock.now())).toBe(99)
  await clock.advance(1)
  expect(batches).toHaveLength(1)
  expect(batches[0]).toMatchObject({ checkpoints: [{ partition: P0, from: 0, to: 3 }], ready: [], timers: [], cleared: [] })
  expect(store.dump().tasks).toMatchObject([{ status: 'complete', streamVersion: 3 }])
  expect(projector.lagMs(clock.now())).toBe(0)
})

test('rows of a task are cleared when there may be some, and only then', async () => {
  const { waiting, running, complete } = await states()
  const { store, watch, batches } = watched()
  const { clock, add } = projecting(watch)
  const stream: ProjectedStream = { storedRows: 'none', snapshotVersion: 0, bytes: 10 }
  for (const state of [waiting, running, complete]) {
    add(state, requestId(1), stream)
    await clock.advance(100)
  }
  expect(batches.map(({ cleared }) => cleared.length)).toEqual([0, 1, 1])
  expect(stream.storedRows).toBe('none')
  const loaded: ProjectedStream = { storedRows: 'unknown', snapshotVersion: 0, bytes: 10 }
  add(complete, requestId(1), loaded)
  await clock.advance(100)
  expect(batches.at(-1)?.cleared).toHaveLength(1)
  expect(store.dump()).toMatchObject({ ready: [], timers: [] })
})

test('a write that failed is repeated as it was; one whose answer was lost is known by its checkpoints', async () => {
  const { waiting, complete } = await states()
  const { store, watch, batches } = watched((count) => (count === 1 ? 'lost' : count === 2 ? 'done, answer lost' : 'done'))
  const { clock, projector, add, conflicts } = projecting(watch)
  add(waiting)
  await clock.advance(150)
  expect(projector.failure).toBeInstanceOf(Error)
  await clock.advance(300)
  expect(conflicts).toEqual([])
  expect(projector.failure).toBeUndefined()
  expect(new Set(batches).size).toBe(1)
  add(complete, requestId(2), { storedRows: 'none', snapshotVersion: 0, bytes: 10 }, P1)
  await clock.advance(200)
  expect(store.dump().tasks).toHaveLength(2)
  expect([...(await store.checkpoints())]).toEqual([
    [P0, 1],
    [P1, 2],
  ])
})

test('a checkpoint that somebody else moved is a conflict: nothing is written, and it is said once', async () => {
  const { waiting } = await states()
  const { store, watch } = watched()
  const { clock, projector, add, conflicts } = projecting(watch)
  await store.write({
    checkpoints: [{ partition: P0, from: 0, to: 9 }],
    tasks: [],
    cleared: [],
    ready: [],
    timers: [],
    identities: [],
    activity: [],
    keys: [],
    schedules: [],
    deadLetters: [],
    snapshots: [],
    removed: [],
  })
  add(waiting)
  await clock.advance(500)
  add(waiting)
  await clock.advance(500)
  expect(conflicts).toHaveLength(1)
  expect(store.dump().tasks).toEqual([])
  await projector.caughtUp()
})

test('who waits for it to catch up does not wait for the pause', async () => {
  const { waiting } = await states()
  const { store, watch } = watched()
  const { projector, add } = projecting(watch)
  add(waiting)
  await projector.caughtUp()
  expect(store.dump().tasks).toHaveLength(1)
})

test('a stop writes what can be written, and ends also when nothing can', async () => {
  const { waiting } = await states()
  const good = watched()
  const one = projecting(good.watch)
  one.add(waiting)
  const stopping = one.projector.stop()
  await one.clock.advance(100)
  await stopping
  expect(good.store.dump().tasks).toHaveLength(1)
  const bad = watched(() => 'lost')
  const other = projecting(bad.watch)
  other.add(waiting)
  let stopped = false
  const ending = other.projector.stop().then(() => (stopped = true))
  await other.clock.advance(1_000)
  await ending
  expect(stopped).toBe(true)
  expect(other.clock.alarms).toBe(0)
})

test('a refill sees a row in the store, on its way there, waiting to go, and while it passes from one to the other (the window rule)', async () => {
  const { waiting } = await states()
  const writing = gate()
  const reading = gate()
  const { store, watch } = watched((count) => (count === 1 ? writing.passed.then(() => 'done' as const) : 'done'))
  let slowReads = 0
  const site = projecting({
    ...watch,
    ready: async (...asked) => {
      const found = await store.ready(...asked)
      if (slowReads++ === 0) await reading.passed
      return found
    },
  })
  const { clock, projector, add } = site
  const [name] = waiting.plan.steps
  if (name === undefined) throw new Error('no step')
  const ready = async () => lanesOf(await projector.ready(SHOP, handlerQueue(name.handler.callable), TEN))
  add(waiting)
  const early = ready()
  await clock.advance(100)
  expect(await ready()).toHaveLength(1)
  writing.open()
  await clock.advance(100)
  expect(store.dump().ready).toHaveLength(1)
  reading.open()
  expect(await early).toHaveLength(1)
  expect(await ready()).toMatchObject([{ key: '', rows: [{ taskId: requestId(1), step: 'a' }], horizon: undefined }])
})

test('a task that went on since its rows were stored shows its newest state only', async () => {
  const { waiting, running } = await states()
  const { clock, projector, add } = projecting(watched().watch)
  const stream: ProjectedStream = { storedRows: 'none', snapshotVersion: 0, bytes: 10 }
  const [step] = waiting.plan.steps
  if (step === undefined) throw new Error('no step')
  add(waiting, requestId(1), stream)
  await clock.advance(100)
  add(running, requestId(1), stream)
  const scan = await projector.ready(SHOP, handlerQueue(step.handler.callable), { ...TEN, rowsMax: 1 })
  expect(lanesOf(scan)).toMatchObject([{ key: '', rows: [], horizon: { step: 'a' } }])
  const timers = await projector.timers(instant(clock.now() + 60_000), 10)
  expect(timers.rows).toMatchObject([{ kind: 'step_timeout', taskId: requestId(1) }])
})

test('a key that is written, on its way or waiting is found', async () => {
  const { watch } = watched()
  const { clock, projector } = projecting(watch)
  projector.add({
    partition: P0,
    seq: 1,
    at: clock.now(),
    task: undefined,
    identity: { scope: 's', taskId: requestId(7) },
    activity: [],
  })
  expect(projector.unprojectedIdentity('s')).toBe(requestId(7))
  expect(await projector.identity('s')).toBe(requestId(7))
  await clock.advance(100)
  expect(projector.unprojectedIdentity('s')).toBeUndefined()
  expect(await projector.identity('s')).toBe(requestId(7))
  expect(await projector.identity('other')).toBeUndefined()
})

test('a task that has gone on for so many events gets a snapshot, with the hash of the commit it stands behind, and then another', async () => {
  const { waiting, running, complete } = await states()
  const { store, watch, batches } = watched()
  const { clock, add } = projecting(watch)
  const stream: ProjectedStream = { storedRows: 'none', snapshotVersion: 0, bytes: 10 }
  for (const state of [waiting, running, running, complete, complete]) {
    add(state, requestId(1), stream)
    await clock.advance(100)
  }
  expect(batches.map(({ snapshots }) => snapshots.map(({ version }) => version))).toEqual([[], [], [], [4], []])
  expect(await store.snapshot(requestId(1))).toMatchObject({ version: 4, schema: STATE_SCHEMA, hash: hashOf(4) })
  const { state } = (await store.snapshot(requestId(1))) ?? { state: '' }
  expect(parseTaskState(state, () => complete.plan)).toEqual(complete)
  for (let more = 0; more < 3; more++) add(complete, requestId(1), stream)
  await clock.advance(100)
  expect(await store.snapshot(requestId(1))).toMatchObject({ version: 8, hash: hashOf(8) })
})

test('it is behind once so many tasks are not in the rows, and no longer once half of them are; a task counts once', async () => {
  const { waiting } = await states()
  const writing = gate()
  const { store, watch } = watched((count) => (count === 1 ? writing.passed.then(() => 'done' as const) : 'done'))
  const { clock, projector, behinds, add } = projecting(watch)
  add(waiting, requestId(1))
  await clock.advance(100)
  for (const n of [2, 2, 2, 3]) add(waiting, requestId(n))
  expect([projector.backlogTasks, projector.behind, behinds]).toEqual([3, false, []])
  add(waiting, requestId(4))
  expect([projector.backlogTasks, projector.behind, behinds]).toEqual([4, true, [true]])
  add(waiting, requestId(5))
  writing.open()
  await clock.advance(99)
  expect([projector.backlogTasks, projector.behind]).toEqual([4, true])
  await clock.advance(101)
  expect([projector.backlogTasks, projector.behind, behinds]).toEqual([0, false, [true, false]])
  expect(store.dump().tasks).toHaveLength(5)
})

test('a few large tasks make it behind as well', async () => {
  const { waiting } = await states()
  const { clock, projector, add } = projecting(watched().watch)
  const stream = { storedRows: 'none', snapshotVersion: 0, bytes: 600 } as const
  add(waiting, requestId(1), { ...stream })
  add(waiting, requestId(1), { ...stream, bytes: 900 })
  expect([projector.backlogBytes, projector.behind]).toEqual([900, false])
  add(waiting, requestId(2), { ...stream })
  expect([projector.backlogBytes, projector.behind]).toEqual([1_500, true])
  await clock.advance(100)
  expect([projector.backlogBytes, projector.behind]).toEqual([0, false])
})
