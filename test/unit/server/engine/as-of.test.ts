/** A task as of each of its moments: what the log makes of it then, whatever is in memory now. */
import { evolve, instant, type Moment, NO_TASK, type RecordedTaskEvent, type TaskId, type TaskState } from '@tasker/core'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { expect, test } from 'vitest'
import { PARTITIONS, requestId, startTestEngine, submissionOf, Switchboard, type TestEngine } from '../../../support/engine.js'

const CHAIN = [{ name: 'a' }, { name: 'b', after: ['a'] }, { name: 'c', after: ['b'] }]

/** A chain that was worked off, a second between its steps. */
const workedOff = async (): Promise<{
  readonly made: TestEngine
  readonly taskId: TaskId
  readonly all: readonly RecordedTaskEvent[]
}> => {
  const made = await startTestEngine()
  const worker = made.worker({ slots: 1 })
  await made.register('order', CHAIN)
  const taskId = await made.submitted(submissionOf(1))
  for (let step = 0; step < CHAIN.length; step++) {
    await made.clock.advance(1_000)
    for (const command of worker.open) worker.complete(command)
  }
  await worker.workOff()
  return { made, taskId, all: await made.engine.history(taskId, 0, 100) }
}

const reasonOf = (read: Promise<unknown>): Promise<unknown> =>
  read.then(
    () => 'read',
    (error: unknown) => (error instanceof Error && 'reason' in error ? error.reason : error),
  )

test('at each version, also inside a commit, the task is what its events up to there make of it', async () => {
  const { made, taskId, all } = await workedOff()
  const live = await made.engine.read(taskId)
  if (live === undefined) throw new Error('the task is there')
  let state: TaskState = NO_TASK
  for (const { version, at, event } of all) {
    state = evolve(state, event, at, live.state.plan)
    expect(await made.engine.readAsOf(taskId, { type: 'version', version })).toEqual({ taskId, version, state, asOf: at })
  }
  expect(state).toEqual(live.state)
  expect(new Set(all.map(({ at }) => at)).size).toBeLessThan(all.length)
})

test('at each time, the task is what it was after the last event up to it', async () => {
  const { made, taskId, all } = await workedOff()
  const first = all[0]
  if (first === undefined) throw new Error('the task has events')
  const times = [...new Set(all.map(({ at }) => at))]
  expect(times.length).toBeGreaterThan(2)
  for (const time of times.flatMap((at) => [at, instant(at + 1)])) {
    const last = all.filter(({ at }) => at <= time).at(-1)
    expect(await made.engine.readAsOf(taskId, { type: 'time', at: time })).toMatchObject({
      version: last?.version,
      asOf: last?.at,
    })
  }
  const head = { version: all.length, asOf: all.at(-1)?.at }
  expect(await made.engine.readAsOf(taskId, { type: 'time', at: instant(Number.MAX_SAFE_INTEGER) })).toMatchObject(head)
  expect(await reasonOf(made.engine.readAsOf(taskId, { type: 'time', at: instant(first.at - 1) }))).toBe('BEFORE_FIRST_EVENT')
})

test('a version the task has not come to is said so, and a task that is not there is none', async () => {
  const { made, taskId, all } = await workedOff()
  const ahead: Moment = { type: 'version', version: all.length + 1 }
  expect(await reasonOf(made.engine.readAsOf(taskId, ahead))).toBe('VERSION_AHEAD')
  expect(await made.engine.readAsOf(requestId(99), ahead)).toBeUndefined()
  expect(await made.engine.readAsOf(requestId(99), { type: 'time', at: instant(0) })).toBeUndefined()
})

test('reading the past reads no further than the moment, and a log that cannot be read is a fault', async () => {
  const faults = new Switchboard()
  const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults, pageCommits: 1 }) })
  const worker = made.worker()
  await made.register('order', CHAIN)
  const taskId = await made.submitted(submissionOf(1))
  await worker.workOff()
  let reads = 0
  faults.read = async () => {
    reads++
  }
  await made.engine.readAsOf(taskId, { type: 'version', version: 1 })
  const few = reads
  await made.engine.readAsOf(taskId, { type: 'time', at: instant(Number.MAX_SAFE_INTEGER) })
  expect(few).toBeLessThan(reads - few)
  faults.read = () => Promise.reject(new Error('the disk is gone'))
  expect(await reasonOf(made.engine.readAsOf(taskId, { type: 'version', version: 1 }))).toBe('DATABASE_UNAVAILABLE')
})
