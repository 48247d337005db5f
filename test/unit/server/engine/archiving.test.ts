/** Tasks that are archived, in an engine on the memory log: what is answered of them, and what a new engine knows. */
import { jsonOf, partitionNumber, present, stepId, type TaskId } from '@tasker/core'
import type { SubmitAnswer } from '@tasker/server/internal/engine/api'
import { Fault } from '@tasker/server/internal/faults'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { EventLog, StoredCommit } from '@tasker/server/internal/log/port'
import { type MemoryStore, memoryStore } from '@tasker/server/internal/projections/memory-store'
import { beforeEach, describe, expect, test } from 'vitest'
import { commitsOf, PARTITIONS, requestId, startTestEngine, submissionOf, type TestEngine } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const OTHER = jsonOf({ other: 1 })

let made: TestEngine
let store: MemoryStore
beforeEach(async () => {
  store = memoryStore()
  made = await startTestEngine({ store })
  await made.register('order', [{ name: 'a' }])
})

const orderOf = async (taskId: TaskId) => {
  const commits = await commitsOf(made.log, taskId)
  const { seq, firstVersion, types, hash } = present(commits.at(-1), 'the last commit of a task')
  const versions = firstVersion + types.length - 1
  return { taskId, archive: 'shop/one', versions, commits: commits.length, lastSeq: seq, lastHash: hash }
}

/** A task that is over. */
const ended = async (n: number, fields = {}): Promise<TaskId> => {
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(n, fields))
  await worker.workOff()
  worker.session.disconnected()
  return taskId
}

const archive = async (taskId: TaskId, more: { readonly versions?: number; readonly lastHash?: Buffer } = {}) => {
  const order = { ...(await orderOf(taskId)), ...more }
  return made.soon(made.engine.archive(order))
}

const archivedTask = async (n: number, fields = {}): Promise<TaskId> => {
  const taskId = await ended(n, fields)
  expect(await archive(taskId)).toMatchObject({ type: 'archived' })
  return taskId
}

const reasonOf = (work: Promise<unknown>): Promise<string> =>
  made.soon(
    work.then(
      () => 'none',
      (error: unknown) => (error instanceof Fault ? error.reason : String(error)),
    ),
  )

const reasonIn = ([answer]: readonly SubmitAnswer[]): string =>
  answer === undefined ? 'no answer' : answer.type === 'failed' ? answer.fault.reason : answer.type

const submitted = async (n: number, fields = {}): Promise<string> => {
  const answers = made.submit(submissionOf(n, fields))
  await settled()
  return reasonIn(answers)
}

/** The log as it is after the removal of what came before the end of each archived task. */
const removed = async (): Promise<EventLog> => {
  const before = made.log
  const commits: StoredCommit[] = []
  for (let n = 0; n < PARTITIONS; n++) for await (const page of before.readPartition(partitionNumber(n), 0)) commits.push(...page)
  const gone = new Set(commits.flatMap(({ types, stream }) => (types[0] === 'task.archived' ? [stream.id] : [])))
  const isLeft = ({ stream, types }: StoredCommit): boolean => !gone.has(stream.id) || types[0] === 'task.archived'
  const log = memoryLog({ partitionCount: PARTITIONS })
  const heads = new Map<number, number>()
  for (const commit of commits.filter(isLeft)) {
    const seq = (heads.get(commit.partition) ?? 0) + 1
    heads.set(commit.partition, seq)
    await log.append([{ seq, commit }])
  }
  return log
}

describe('archiving', () => {
  test('ends the stream of a task that is over, takes its rows, and nothing of it is in memory', async () => {
    const taskId = await archivedTask(1)
    expect((await made.types(taskId)).at(-1)).toBe('task.archived')
    await made.clock.advance(1_000)
    expect(store.dump().tasks).toEqual([])
    expect(await reasonOf(made.engine.read(taskId))).toBe('TASK_ARCHIVED')
  })

  test('is refused for what is not over, not there, or not what the archive holds; and is done once', async () => {
    const open = await made.submitted(submissionOf(1))
    expect(await archive(open)).toMatchObject({ type: 'refused' })
    const over = await ended(2)
    expect(JSON.stringify(await archive(over, { versions: 3 }))).toContain('the archive at 3')
    expect(await archive(over, { lastHash: Buffer.alloc(32) })).toMatchObject({ type: 'refused' })
    const none = { ...(await orderOf(over)), taskId: requestId(99) }
    expect(await made.soon(made.engine.archive(none))).toMatchObject({ type: 'refused', message: 'there is no such task' })
    expect((await made.types(over)).includes('task.archived')).toBe(false)
    expect(await archive(over)).toMatchObject({ type: 'archived' })
    expect(await archive(over)).toEqual({ type: 'archived_before', archive: 'shop/one' })
  })
})

describe.each([
  ['whose commits are there still', false],
  ['whose commits are gone, after a restart', true],
])('an archived task %s', (_name, isRemoved) => {
  const goOn = async (): Promise<void> => {
    if (!isRemoved) return
    const log = await removed()
    store = memoryStore()
    made = await startTestEngine({ log, store })
  }

  test('is answered for as archived', async () => {
    const taskId = await archivedTask(1)
    await goOn()
    expect(await reasonOf(made.engine.read(taskId))).toBe('TASK_ARCHIVED')
    expect(await made.soon(made.cancel(taskId))).toMatchObject({
      type: 'failed',
      fault: { reason: 'TASK_ARCHIVED', code: 'INVALID_STATE' },
    })
    const outcomes: unknown[] = []
    made.engine.awaitOutcome(taskId, (outcome) => outcomes.push(outcome))
    await settled()
    expect(outcomes).toMatchObject([{ type: 'failed', fault: { reason: 'TASK_ARCHIVED' } }])
    const worker = made.worker()
    worker.complete({ taskId, step: stepId('a'), attempt: 1 })
    await settled()
    expect(worker.acks).toMatchObject([{ status: 'refused', reason: 'TASK_ARCHIVED' }])
    expect(made.quarantined).toEqual([])
    expect(store.dump().tasks).toEqual([])
  })

  test('is not made again by a repeat of its request, and later requests are new tasks', async () => {
    const taskId = await archivedTask(5)
    await goOn()
    expect(await submitted(5)).toBe('TASK_ARCHIVED')
    expect(await submitted(5, { context: OTHER })).toBe('TASK_ARCHIVED')
    expect(await submitted(6)).toBe('created')
    // An id below that was never used is looked for, and made.
    expect(await submitted(4)).toBe('created')
    expect(await submitted(4)).toBe('existing')
    expect((await made.types(taskId)).filter((type) => type === 'task.submitted')).toHaveLength(isRemoved ? 0 : 1)
  })

  test('gives its key to the next who asks, and its own request is still known', async () => {
    const taskId = await archivedTask(1, { idempotencyKey: 'K' })
    await goOn()
    expect(await submitted(1, { idempotencyKey: 'K' })).toBe('TASK_ARCHIVED')
    expect(await submitted(2, { idempotencyKey: 'K', context: OTHER })).toBe('created')
    expect(await submitted(3, { idempotencyKey: 'K', context: OTHER })).toBe('existing')
    await made.clock.advance(1_000)
    expect([...store.dump().identities.values()]).not.toContain(taskId)
  })
})

test('a request that repeats while its task is being archived makes no second one', async () => {
  const taskId = await ended(1)
  const archiving = made.engine.archive(await orderOf(taskId))
  const answers = made.submit(submissionOf(1))
  expect(await made.soon(archiving)).toMatchObject({ type: 'archived' })
  await settled()
  expect(reasonIn(answers)).toBe('TASK_ARCHIVED')
})

test('rows that are built again from the log are those of the tasks that are left', async () => {
  await archivedTask(1)
  const left = await ended(2)
  await made.clock.advance(1_000)
  const live = store.dump()
  const again = memoryStore()
  await startTestEngine({ log: made.log, store: again })
  expect(again.dump().tasks.map(({ taskId }) => taskId)).toEqual([left])
  expect(again.dump()).toEqual(live)
})
