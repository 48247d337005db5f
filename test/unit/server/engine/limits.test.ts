/** Each bound of the engine, driven to its end: who comes then is told, and nothing that was taken is lost. */
import { type Json, jsonOf, type TaskId } from '@tasker/core'
import type { SubmitAnswer } from '@tasker/server/internal/engine/api'
import type { EngineSettings } from '@tasker/server/internal/engine/engine-ports'
import { Quarantine } from '@tasker/server/internal/engine/quarantine'
import { type FaultPolicy, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import { gate, PARTITIONS, requestId, startTestEngine, submissionOf } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const ONE = [{ name: 'a' }]

/** An engine whose log takes its time from `slow` on. */
const withSlowLog = async (limits: NonNullable<EngineSettings['limits']>) => {
  const way = gate()
  const site = { slow: false }
  const faults: FaultPolicy = {
    append: async () => {
      if (site.slow) await way.passed
      return { type: 'delivered' }
    },
    read: () => undefined,
  }
  const log = memoryLog({ partitionCount: PARTITIONS, faults })
  const world = await startTestEngine({ log, settings: { limits } })
  await world.register('order', ONE)
  site.slow = true
  const open = (): void => {
    site.slow = false
    way.open()
  }
  return { world, log, open }
}

const levelOf = ({ engine }: Awaited<ReturnType<typeof startTestEngine>>, limit: string) =>
  engine.health().limits.find((level) => level.limit === limit)

const reasonOf = (answer: SubmitAnswer | undefined): string =>
  answer === undefined ? 'open' : answer.type === 'failed' ? answer.fault.reason : answer.type

test('commits that wait are bounded: the next command is turned away with a time to come back, and every one that was taken is in the log', async () => {
  const { world, log, open } = await withSlowLog({ waitingCommitsMax: 3 })
  const first = world.submit(submissionOf(0))
  await settled()
  // The first is in flight; three wait, and the others are turned away.
  const answers = Array.from({ length: 6 }, (_, n) => world.submit(submissionOf(n + 1)))
  expect(levelOf(world, 'waiting_commits')).toEqual({ limit: 'waiting_commits', used: 3, max: 3 })
  expect(answers.map(([answer]) => reasonOf(answer))).toEqual([
    'open',
    'open',
    'open',
    'COMMIT_BUFFER_FULL',
    'COMMIT_BUFFER_FULL',
    'COMMIT_BUFFER_FULL',
  ])
  expect(answers[3]).toMatchObject([{ fault: { code: 'BACKPRESSURE', retryable: true, retryAfterMs: 500 } }])
  expect(await world.cancel(requestId(0))).toMatchObject({ type: 'failed', fault: { reason: 'COMMIT_BUFFER_FULL' } })
  expect(world.engine.health()).toMatchObject({ ready: true, problems: [expect.stringContaining('too many commits')] })
  open()
  await settled()
  expect([first, ...answers.slice(0, 3)].map(([answer]) => reasonOf(answer))).toEqual([
    'created',
    'created',
    'created',
    'created',
  ])
  expect(levelOf(world, 'waiting_commits')?.used).toBe(0)
  const again = [4, 5, 6].map((n) => world.submit(submissionOf(n)))
  await settled()
  expect(again.map(([answer]) => reasonOf(answer))).toEqual(['created', 'created', 'created'])
  expect(log.all().filter(({ stream }) => stream.kind === 'task')).toHaveLength(7)
})

test('the characters of commits that wait are bounded as well', async () => {
  const { world, open } = await withSlowLog({ waitingCharsMax: 10_000 })
  const large = (n: number) => submissionOf(n, { context: jsonOf('x'.repeat(6_000)) })
  world.submit(large(0))
  await settled()
  const answers = [1, 2, 3].map((n) => world.submit(large(n)))
  expect(answers.map(([answer]) => reasonOf(answer))).toEqual(['open', 'open', 'COMMIT_BUFFER_FULL'])
  open()
  await settled()
  expect(reasonOf(world.submit(submissionOf(9))[0])).toBe('open')
})

/** An engine whose rows are not written before `open`. */
const withSlowStore = async (limits: NonNullable<EngineSettings['limits']>) => {
  const way = gate()
  const site = { slow: false }
  const store = memoryStore(() => (site.slow ? way.passed : undefined))
  const world = await startTestEngine({ store, settings: { limits } })
  await world.register('order', ONE)
  await world.clock.advance(200)
  site.slow = true
  const open = (): void => {
    site.slow = false
    way.open()
  }
  return { world, store, open }
}

test('tasks whose rows are not written are bounded: no more are taken or started, results are, and all goes on when the rows are there', async () => {
  const { world, store, open } = await withSlowStore({ unprojectedTasksMax: 4 })
  const early = await world.submitted(submissionOf(1))
  const worker = world.worker({ slots: 1 })
  await settled()
  expect(worker.open.map(({ taskId }) => taskId)).toEqual([early])
  const taken: TaskId[] = []
  for (const n of [2, 3, 4]) taken.push(await world.submitted(submissionOf(n)))
  expect(reasonOf(world.submit(submissionOf(5))[0])).toBe('PROJECTIONS_BEHIND')
  expect(world.engine.health()).toMatchObject({ ready: true, problems: [expect.stringContaining('rows')] })
  expect(levelOf(world, 'unprojected_tasks')).toEqual({ limit: 'unprojected_tasks', used: 4, max: 4 })
  worker.complete(worker.command('a'))
  await settled()
  await world.clock.advance(5_000)
  expect((await world.engine.read(early))?.state.phase).toBe('completed')
  expect(worker.commands).toHaveLength(1)
  open()
  await world.clock.advance(1_000)
  await worker.workOff()
  await world.clock.advance(1_000)
  await worker.workOff()
  for (const taskId of taken) expect((await world.engine.read(taskId))?.state.phase).toBe('completed')
  await world.submitted(submissionOf(5))
  await world.clock.advance(1_000)
  expect(store.dump().tasks).toHaveLength(5)
})

test('the bytes of tasks whose rows are not written are bounded as well', async () => {
  const { world, open } = await withSlowStore({ unprojectedBytesMax: 20_000 })
  const large = (n: number): Json => ({ n, text: 'x'.repeat(9_000) })
  for (const n of [1, 2]) await world.submitted(submissionOf(n, { context: jsonOf(large(n)) }))
  expect(reasonOf(world.submit(submissionOf(3))[0])).toBe('PROJECTIONS_BEHIND')
  open()
  await world.clock.advance(1_000)
  await world.submitted(submissionOf(3))
})

test('of the quarantined tasks a bounded number is remembered; one that was forgotten is told as new by its next reader', () => {
  const said: string[] = []
  const quarantine = new Quarantine(({ taskId }) => said.push(taskId))
  for (let n = 0; n <= 10_000; n++) quarantine.addDecision(requestId(n), 1, new Error('odd'))
  expect(quarantine.size).toBe(10_000)
  expect([quarantine.has(requestId(0)), quarantine.has(requestId(1)), quarantine.has(requestId(10_000))]).toEqual([
    false,
    true,
    true,
  ])
  quarantine.addDecision(requestId(0), 1, new Error('odd'))
  expect([quarantine.size, said.length]).toEqual([10_000, 10_002])
})
