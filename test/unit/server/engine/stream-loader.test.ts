import { jsonOf, type Plan, type TaskId } from '@tasker/core'
import { Quarantine, type QuarantinedStream } from '@tasker/server/internal/engine/quarantine'
import { StreamCache } from '@tasker/server/internal/engine/stream-cache'
import { type Found, StreamLoader } from '@tasker/server/internal/engine/stream-loader'
import { TaskFold } from '@tasker/server/internal/engine/task-fold'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { EventLog, StoredCommit } from '@tasker/server/internal/log/port'
import { type SnapshotRow, snapshotRow } from '@tasker/server/internal/projections/snapshots/snapshot'
import { expect, test } from 'vitest'
import { commitsOf, PARTITIONS, requestId, SHOP, startTestEngine, submissionOf } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

/** A log with one finished task, read through `bend`. */
const library = async (
  bend: (commits: readonly StoredCommit[]) => readonly StoredCommit[] = (commits) => commits,
  bytesMax = 1_000_000,
  snapshotOf: (row: SnapshotRow) => SnapshotRow | undefined = () => undefined,
) => {
  const world = await startTestEngine()
  await world.register('order', [{ name: 'a' }, { name: 'b', after: ['a'] }])
  const worker = world.worker()
  const taskId = await world.submitted(submissionOf(1))
  await worker.workOff()
  const plan = world.engine.template(SHOP, 'order', undefined)?.plan
  const stored = await commitsOf(world.log, taskId)
  const site = { reads: 0, commits: 0, away: false }
  const log: EventLog = {
    ...memoryLog({ partitionCount: PARTITIONS }),
    async *readStream({ id }, from) {
      site.reads++
      if (site.away) throw new Error('away')
      if (id !== taskId) return
      for (const commit of bend(stored)) {
        if (commit.firstVersion + commit.types.length <= from) continue
        site.commits++
        yield [commit]
      }
    },
  }
  const quarantined: QuarantinedStream[] = []
  const cache = new StreamCache(bytesMax)
  const live = (await world.engine.read(taskId))?.state
  const read = async (): Promise<SnapshotRow | undefined> => snapshotOf(snapshotBehind(stored, 2, plan))
  const snapshots = { events: 3, read }
  const loader = new StreamLoader(log, cache, new Quarantine((one) => quarantined.push(one)), () => plan, snapshots)
  return { taskId, loader, cache, site, quarantined, live, stored }
}

/** The snapshot that stands behind the n-th commit. */
const snapshotBehind = (commits: readonly StoredCommit[], n: number, plan: Plan | undefined): SnapshotRow => {
  const fold = new TaskFold(() => plan)
  for (const commit of commits.slice(0, n)) fold.add(commit)
  if (fold.state.type !== 'task') throw new Error('no task')
  const row = snapshotRow(requestId(1), fold.state, fold.version, fold.lastHash)
  if (row === undefined) throw new Error('no snapshot')
  return row
}

const asStream = async (loader: StreamLoader, taskId: TaskId) => {
  const found = await loader.load(taskId)
  if (found.type !== 'stream') throw new Error(`not found: ${found.type}`)
  return found.stream
}

test('those who ask for one task at once get one stream, out of one read, in the order they asked', async () => {
  const { taskId, loader, site, live } = await library()
  const order: number[] = []
  const found: Found[] = []
  for (let n = 0; n < 5; n++)
    loader.find(taskId, (one) => {
      order.push(n)
      found.push(one)
    })
  await settled()
  expect(site.reads).toBe(1)
  expect(order).toEqual([0, 1, 2, 3, 4])
  const [first] = found
  if (first?.type !== 'stream') throw new Error('not found')
  expect(found.every((one) => one.type === 'stream' && one.stream === first.stream)).toBe(true)
  expect(first.stream.state).toEqual(live)
  expect(first.stream).toMatchObject({ version: 9, durableVersion: 9, storedRows: 'unknown' })
})

test('a task that is not there is not there, and is asked for anew the next time', async () => {
  const { loader, site } = await library()
  expect(await loader.load(requestId(99))).toEqual({ type: 'none' })
  expect(await loader.load(requestId(99))).toEqual({ type: 'none' })
  expect(site.reads).toBe(2)
})

test('a read that fails is no verdict on the task: the next one may find it', async () => {
  const { taskId, loader, site, quarantined } = await library()
  site.away = true
  expect(await loader.load(taskId)).toMatchObject({
    type: 'failed',
    fault: { detail: { reason: 'DATABASE_UNAVAILABLE', retryable: true } },
  })
  site.away = false
  expect(await loader.load(taskId)).toMatchObject({ type: 'stream' })
  expect(quarantined).toEqual([])
})

test('an event of a type nobody knows quarantines the task, says where, and is not read again', async () => {
  const { taskId, loader, site, quarantined } = await library((commits) =>
    commits.map((commit, index) => (index === 1 ? { ...commit, types: commit.types.map(() => 'task.unheard_of') } : commit)),
  )
  const first = await loader.load(taskId)
  expect(first).toMatchObject({ type: 'failed', fault: { detail: { reason: 'STREAM_QUARANTINED', retryable: false } } })
  await loader.load(taskId)
  expect(site.reads).toBe(1)
  expect(quarantined.map(({ position }) => position)).toEqual([expect.stringContaining('(version 5)')])
})

test('a history with a hole in it quarantines the task instead of giving half of it', async () => {
  const { taskId, loader, quarantined } = await library((commits) => commits.filter((_, index) => index !== 1))
  expect(await loader.load(taskId)).toMatchObject({ type: 'failed', fault: { detail: { reason: 'STREAM_QUARANTINED' } } })
  expect(quarantined[0]?.message).toMatch(/history goes from version 4 to/)
})

test('a task that is larger than the memory is loaded and given to all who asked', async () => {
  const { taskId, loader } = await library((commits) => commits, 10)
  const found: Found[] = []
  for (let n = 0; n < 3; n++) loader.find(taskId, (one) => found.push(one))
  await settled()
  expect(found.map(({ type }) => type)).toEqual(['stream', 'stream', 'stream'])
})

test('a caller that drops the stream makes the next one load it anew', async () => {
  const { taskId, loader, cache, site } = await library()
  const streams: unknown[] = []
  loader.find(taskId, (one) => {
    if (one.type === 'stream') cache.drop(one.stream)
    streams.push(one)
  })
  loader.find(taskId, (one) => streams.push(one))
  await settled()
  expect(site.reads).toBe(2)
  expect(streams).toMatchObject([
    { type: 'stream', stream: { dropped: true } },
    { type: 'stream', stream: { dropped: false } },
  ])
})

test('who asks for a task whose creation is on its way gets it when it is durable', async () => {
  const world = await startTestEngine()
  await world.register('order', [{ name: 'a' }])
  const answers = world.submit(submissionOf(1))
  const reading = world.engine.read(requestId(1))
  const cancelling = world.cancel(requestId(1))
  await settled()
  expect(await reading).toBeUndefined()
  expect(await cancelling).toMatchObject({ type: 'failed', fault: { reason: 'TASK_NOT_FOUND' } })
  const [answer] = answers
  if (answer?.type !== 'created') throw new Error('not taken')
  const repeated = world.submit(submissionOf(1, { context: jsonOf({ n: 1 }) }))
  await settled()
  expect(repeated).toMatchObject([{ type: 'existing', taskId: answer.taskId }])
})

test('a long history is not folded: its snapshot and what came after it give the same task', async () => {
  const { taskId, loader, live, stored } = await library(
    (commits) => commits,
    1_000_000,
    (row) => row,
  )
  const stream = await asStream(loader, taskId)
  expect(stream).toMatchObject({ version: 9, durableVersion: 9, storedRows: 'unknown', snapshotVersion: 7 })
  expect(stream.state).toStrictEqual(live)
  expect([stream.lastHash, stream.lastAt]).toEqual([stored.at(-1)?.hash, stored.at(-1)?.at])
})

test.each<readonly [string, (row: SnapshotRow) => SnapshotRow | undefined]>([
  ['of another schema', (row) => ({ ...row, schema: '0-old' })],
  ['behind another commit', (row) => ({ ...row, hash: Buffer.alloc(32, 1) })],
  ['at a version in the midst of a commit', (row) => ({ ...row, version: row.version - 1 })],
  ['beyond the end of the history', (row) => ({ ...row, version: 99 })],
  ['that is no JSON', (row) => ({ ...row, state: '{' })],
  ['without a member', (row) => ({ ...row, state: row.state.replace('"phase"', '"faze"') })],
  ['whose state the next commit cannot follow', (row) => ({ ...row, state: row.state.replaceAll('in_progress', 'skipped') })],
])('a snapshot %s is not used, and does no harm', async (_, bent) => {
  const { taskId, loader, live, quarantined } = await library((commits) => commits, 1_000_000, bent)
  const stream = await asStream(loader, taskId)
  expect(stream.state).toStrictEqual(live)
  expect(stream).toMatchObject({ version: 9, snapshotVersion: 0 })
  expect(quarantined).toEqual([])
})

test('a store that has no snapshot to give just now costs a longer read', async () => {
  const { taskId, loader, live } = await library(
    (commits) => commits,
    1_000_000,
    () => {
      throw new Error('away')
    },
  )
  expect((await asStream(loader, taskId)).state).toStrictEqual(live)
})
