import { jsonOf } from '@tasker/core'
import { Quarantine, type QuarantinedStream } from '@tasker/server/internal/engine/quarantine'
import { StreamCache } from '@tasker/server/internal/engine/stream-cache'
import { type Found, StreamLoader } from '@tasker/server/internal/engine/stream-loader'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { EventLog, StoredCommit } from '@tasker/server/internal/log/port'
import { expect, test } from 'vitest'
import { commitsOf, PARTITIONS, requestId, SHOP, startTestEngine, submissionOf } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

/** A log with one finished task, read through `bend`. */
const library = async (
  bend: (commits: readonly StoredCommit[]) => readonly StoredCommit[] = (commits) => commits,
  bytesMax = 1_000_000,
) => {
  const world = await startTestEngine()
  await world.register('order', [{ name: 'a' }, { name: 'b', after: ['a'] }])
  const worker = world.worker()
  const taskId = await world.submitted(submissionOf(1))
  await worker.workOff()
  const plan = world.engine.template(SHOP, 'order', undefined)?.plan
  const stored = await commitsOf(world.log, taskId)
  const site = { reads: 0, away: false }
  const log: EventLog = {
    ...memoryLog({ partitionCount: PARTITIONS }),
    async *readStream({ id }) {
      site.reads++
      if (site.away) throw new Error('away')
      if (id === taskId) for (const commit of bend(stored)) yield [commit]
    },
  }
  const quarantined: QuarantinedStream[] = []
  const cache = new StreamCache(bytesMax)
  const loader = new StreamLoader(log, cache, new Quarantine((one) => quarantined.push(one)), () => plan)
  const live = (await world.engine.read(taskId))?.state
  return { taskId, loader, cache, site, quarantined, live }
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
