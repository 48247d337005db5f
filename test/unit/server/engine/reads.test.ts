import type { RecordedTaskEvent, TaskId } from '@tasker/core'
import type { TaskOutcome } from '@tasker/server/internal/engine/api'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  gate,
  PARTITIONS,
  requestId,
  startTestEngine,
  submissionOf,
  Switchboard,
  type TestEngine,
} from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const CHAIN = [{ name: 'a' }, { name: 'b', after: ['a'] }, { name: 'c', after: ['b'] }]

const chain = async (made: TestEngine): Promise<TaskId> => {
  await made.register('order', CHAIN)
  return made.submitted(submissionOf(1))
}

const versionsOf = (events: readonly RecordedTaskEvent[]): readonly number[] => events.map(({ version }) => version)
const upTo = (last: number, from = 1): readonly number[] => Array.from({ length: last - from + 1 }, (_, n) => n + from)

test('a history is given page by page, and what comes after its end is empty', async () => {
  const made = await startTestEngine()
  const worker = made.worker()
  const taskId = await chain(made)
  await worker.workOff()
  const all = await made.engine.history(taskId, 0, 100)
  const last = all.at(-1)?.version ?? 0
  expect(versionsOf(all)).toEqual(upTo(last))
  const paged: RecordedTaskEvent[] = []
  for (let after = 0; ; ) {
    const page = await made.engine.history(taskId, after, 2)
    paged.push(...page)
    const end = page.at(-1)
    if (end === undefined) break
    after = end.version
  }
  expect(paged).toEqual(all)
  expect(await made.engine.history(requestId(99), 0, 10)).toEqual([])
})

test('a follower gets every event once and in order, whenever it joins and however slow its history is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(3), fc.nat(4), fc.nat(2), async (joinsAfter, from, slowFor) => {
      const faults = new Switchboard()
      const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults, pageCommits: 1 }) })
      const worker = made.worker({ slots: 1 })
      const taskId = await chain(made)
      const seen: RecordedTaskEvent[] = []
      const slow = gate()
      const follow = () => made.engine.follow(taskId, from, { onEvents: (events) => seen.push(...events) })
      let following: Promise<() => void> | undefined
      for (let done = 0; done < CHAIN.length; done++) {
        if (done === joinsAfter) {
          faults.read = () => slow.passed
          following = follow()
        }
        if (done === joinsAfter + slowFor) slow.open()
        for (const command of worker.open) worker.complete(command)
        await settled()
      }
      slow.open()
      following ??= follow()
      const stop = await following
      await settled()
      const last = (await made.engine.history(taskId, 0, 100)).at(-1)?.version ?? 0
      expect(versionsOf(seen)).toEqual(upTo(last, from + 1))
      stop()
    }),
    { numRuns: 60 },
  )
})

test('a follower that stopped hears nothing more', async () => {
  const made = await startTestEngine()
  const taskId = await chain(made)
  const seen: RecordedTaskEvent[] = []
  const stop = await made.engine.follow(taskId, 0, { onEvents: (events) => seen.push(...events) })
  const before = seen.length
  stop()
  await made.soon(Promise.resolve(made.worker()))
  expect(seen).toHaveLength(before)
})

test('the outcome comes once: completed with the results, whether one asks before or after', async () => {
  const made = await startTestEngine()
  const taskId = await chain(made)
  const outcomes: unknown[] = []
  made.engine.awaitOutcome(taskId, (outcome) => outcomes.push(outcome))
  await made.soon(Promise.resolve(made.worker())).then(async (worker) => {
    await settled()
    await worker.workOff()
  })
  expect(outcomes).toMatchObject([{ type: 'completed', taskId }])
  made.engine.awaitOutcome(taskId, (outcome) => outcomes.push(outcome))
  await settled()
  expect(outcomes).toHaveLength(2)
})

test('a blocked task is an outcome that names the failure; cancelled later, the next who asks hears that', async () => {
  const made = await startTestEngine()
  await made.register('order', [{ name: 'a', attempts: 1 }])
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  const outcomes: (TaskOutcome | { readonly type: 'failed' })[] = []
  made.engine.awaitOutcome(taskId, (outcome) => outcomes.push(outcome))
  worker.fail(worker.command('a'), false)
  await settled()
  expect(outcomes).toMatchObject([{ type: 'blocked', steps: [{ step: 'a', failure: { message: 'no' } }] }])
  await made.soon(made.cancel(taskId))
  expect(outcomes).toHaveLength(1)
  made.engine.awaitOutcome(taskId, (outcome) => outcomes.push(outcome))
  await settled()
  expect(outcomes.at(-1)).toMatchObject({ type: 'cancelled' })
})

test('a caller whose read fails is told so; those who wait already go on waiting', async () => {
  const faults = new Switchboard()
  const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }), settings: { cacheBytesMax: 1 } })
  const taskId = await chain(made)
  const patient: unknown[] = []
  made.engine.awaitOutcome(taskId, (outcome) => patient.push(outcome))
  await settled()
  await made.submitted(submissionOf(2))
  faults.read = () => Promise.reject(new Error('away'))
  const unlucky: unknown[] = []
  made.engine.awaitOutcome(taskId, (outcome) => unlucky.push(outcome))
  await settled()
  expect(unlucky).toMatchObject([{ type: 'failed', fault: { reason: 'DATABASE_UNAVAILABLE' } }])
  expect(patient).toEqual([])
  faults.up()
  const worker = made.worker()
  await settled()
  await worker.workOff()
  expect(patient).toMatchObject([{ type: 'completed' }])
})

test('the outcome of a task that is not there is that there is none; who stopped waiting is not told', async () => {
  const made = await startTestEngine()
  const heard: unknown[] = []
  made.engine.awaitOutcome(requestId(5), (outcome) => heard.push(outcome))
  made.engine.awaitOutcome(requestId(6), (outcome) => heard.push(outcome))()
  await settled()
  expect(heard).toMatchObject([{ type: 'failed', fault: { reason: 'TASK_NOT_FOUND' } }])
})

test('a server that stops tells those who wait for an outcome', async () => {
  const made = await startTestEngine()
  const taskId = await chain(made)
  const heard: unknown[] = []
  made.engine.awaitOutcome(taskId, (outcome) => heard.push(outcome))
  const stopping = made.engine.stop()
  await made.clock.advance(1_000)
  await stopping
  expect(heard).toMatchObject([{ type: 'failed', fault: { reason: 'SERVER_NOT_READY' } }])
  await expect(made.engine.read(taskId)).rejects.toMatchObject({ detail: { reason: 'SERVER_NOT_READY' } })
})

test('a read waits for what is on its way, and shows nothing that is not durable', async () => {
  const passing = gate()
  const faults = new Switchboard()
  const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  const worker = made.worker()
  const taskId = await chain(made)
  faults.append = async () => {
    await passing.passed
    return { type: 'delivered' }
  }
  worker.complete(worker.command('a'))
  let version: number | undefined
  const reading = made.engine.read(taskId).then((snapshot) => (version = snapshot?.version))
  await settled()
  expect(version).toBeUndefined()
  passing.open()
  await reading
  expect(version).toBeGreaterThan(5)
})

test('nothing is read from memory once another server took over while the read waited', async () => {
  const passing = gate()
  const faults = new Switchboard()
  const log = memoryLog({ partitionCount: PARTITIONS, faults })
  const store = memoryStore()
  const made = await startTestEngine({ log, store })
  const worker = made.worker()
  const taskId = await chain(made)
  await made.clock.advance(200)
  faults.append = async (rows) => {
    if (rows[0]?.commit.stream.kind === 'task') await passing.passed
    return { type: 'delivered' }
  }
  worker.complete(worker.command('a'))
  const reading = made.engine.read(taskId).catch((error: unknown) => error)
  await settled()
  await startTestEngine({ log, store, clock: made.clock })
  passing.open()
  await settled()
  expect(await reading).toMatchObject({ detail: { reason: 'SERVER_NOT_READY' } })
  expect(made.fenced).toHaveLength(1)
})

test('a page of a history ends where its payloads have filled it, whatever was asked for, and the next goes on', async () => {
  const made = await startTestEngine()
  await made.register('order', [
    { name: 'a' },
    { name: 'b', after: ['a'] },
    { name: 'c', after: ['b'] },
    { name: 'd', after: ['c'] },
  ])
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  for (const step of ['a', 'b', 'c', 'd']) {
    worker.complete(worker.command(step), 'x'.repeat(3 * 1024 * 1024))
    await settled()
  }
  const all: number[] = []
  const pages: number[] = []
  for (let at = 0; ; at = all.at(-1) ?? 0) {
    const page = await made.engine.history(taskId, at, 500)
    if (page.length === 0) break
    pages.push(page.length)
    all.push(...page.map(({ version }) => version))
  }
  expect(all).toEqual(Array.from({ length: all.length }, (_, n) => n + 1))
  expect(pages.length).toBe(2)
  const heard: number[] = []
  const stop = await made.engine.follow(taskId, 0, { onEvents: (events) => heard.push(...events.map(({ version }) => version)) })
  expect(heard).toEqual(all)
  stop()
})

test('a follower that has enough of a history is told no more of it, and hears what is new', async () => {
  const made = await startTestEngine()
  const taskId = await chain(made)
  const heard: number[] = []
  const versions = {
    onEvents: (events: readonly { readonly version: number }[]) => heard.push(...events.map(({ version }) => version)),
  }
  await made.engine.follow(taskId, 0, { ...versions, full: () => heard.length > 0 })
  const told = heard.length
  expect(told).toBeGreaterThan(0)
  await made.soon(made.cancel(taskId))
  expect(heard.length).toBeGreaterThan(told)
})
