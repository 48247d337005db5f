/** Children of durable functions: R1 to R4 of `server/src/engine/children/children.ts`. */
import { jsonOf, LIMITS, type TaskId, type TaskStatus, taskStatus, trustedJson } from '@tasker/core'
import type { ChildWanted, HandedIn, StepCommand } from '@tasker/server/internal/engine/api'
import { decodeTaskEvents } from '@tasker/server/internal/log/codec'
import { type MemoryLog, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { describe, expect, test } from 'vitest'
import {
  PARTITIONS,
  type ScriptedWorker,
  startTestEngine,
  submissionOf,
  Switchboard,
  type TestEngine,
} from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const document = (name: string, more = {}): string =>
  JSON.stringify({ kind: 'function', name, namespace_name: 'shop', version: '1.0.0', ...more })
const HANDLERS = ['above@1.0.0/run', 'below@1.0.0/run', 'work']

interface World extends TestEngine {
  readonly written: MemoryLog
  readonly crew: ScriptedWorker
}

const world = async (options: Parameters<typeof startTestEngine>[0] = {}): Promise<World> => {
  const written = memoryLog({ partitionCount: PARTITIONS })
  const made = await startTestEngine({ log: written, ...options })
  for (const name of ['above', 'below'])
    await made.soon(made.engine.register(document(name), { replace: false, actor: 'tester' }))
  return Object.assign(made, { written, crew: made.worker({ handlers: HANDLERS }) })
}

const child = (key: string, fields: Partial<ChildWanted> = {}): HandedIn => ({
  type: 'child',
  key,
  namespace: undefined,
  name: 'below',
  input: jsonOf({ of: key }),
  onClose: 'cancel',
  ...fields,
})

const statusOf = async (made: TestEngine, taskId: TaskId): Promise<TaskStatus | undefined> => {
  const snapshot = await made.engine.read(taskId)
  return snapshot && taskStatus(snapshot.state)
}

/** The children that a task began, by key. */
const childrenOf = async (made: World, taskId: TaskId): Promise<ReadonlyMap<string, TaskId>> => {
  const events = await made.engine.history(taskId, 0, 1_000)
  return new Map(events.flatMap(({ event }) => (event.type === 'child.started' ? [[event.key, event.taskId] as const] : [])))
}

/** How the children of a task ended for it: the key, and the result or the code. */
const endsOf = async (made: World, taskId: TaskId): Promise<readonly string[]> =>
  (await made.engine.history(taskId, 0, 1_000)).flatMap(({ event }) => {
    if (event.type !== 'child.ended') return []
    const { outcome } = event
    const said = outcome.type === 'succeeded' ? outcome.result : outcome.type === 'failed' ? outcome.failure.code : 'cancelled'
    return [`${event.key} ${said}`]
  })

/** A parent that has begun these children and is suspended. */
const parent = async (made: World, proposals: readonly HandedIn[], n = 1): Promise<{ run: StepCommand; taskId: TaskId }> => {
  const taskId = await made.submitted(submissionOf(n, { name: 'above' }))
  const run = commandOf(made.crew, taskId)
  made.crew.record(run, proposals, { then: { type: 'suspend', seen: 0 } })
  await settled()
  return { run, taskId }
}

const commandOf = (worker: ScriptedWorker, taskId: TaskId): StepCommand => {
  const command = worker.commands.findLast((one) => one.taskId === taskId)
  if (command === undefined) throw new Error('the task was not started')
  return command
}

const finish = async (made: World, taskId: TaskId, output: Parameters<ScriptedWorker['complete']>[1] = {}): Promise<void> => {
  made.crew.complete(commandOf(made.crew, taskId), output)
  await settled()
}

test('a child is another task, and its parent is told its result', async () => {
  const made = await world()
  const { taskId } = await parent(made, [child('one')])
  expect(await statusOf(made, taskId)).toBe('waiting_for_dependencies')
  const [one] = [...(await childrenOf(made, taskId)).values()]
  if (one === undefined) throw new Error('no child')
  const { submitted } = commandOf(made.crew, one).task
  expect(submitted).toMatchObject({ name: 'below', context: '{"of":"one"}' })
  expect(submitted.parent).toEqual({ taskId, of: 'function', key: 'one', round: 1, onClose: 'cancel', depth: 1 })
  await finish(made, one, { done: true })
  expect(await endsOf(made, taskId)).toEqual(['one {"done":true}'])
  const next = commandOf(made.crew, taskId)
  expect(next.attempt).toBe(2)
  expect(next.run?.links.map(({ fact }) => fact.type)).toEqual(['child.started', 'child.ended'])
})

test('a template is a child as well, and a blocked one keeps its parent waiting until a person has seen to it', async () => {
  const made = await world()
  await made.register('order', [{ name: 'a', attempts: 1 }])
  const { taskId } = await parent(made, [child('one', { name: 'order' })])
  const [one] = [...(await childrenOf(made, taskId)).values()]
  if (one === undefined) throw new Error('no child')
  made.crew.fail(commandOf(made.crew, one))
  await settled()
  expect([await statusOf(made, one), await statusOf(made, taskId)]).toEqual(['blocked_by_failures', 'waiting_for_dependencies'])
  await made.soon(made.engine.order(one, { type: 'retry' }, 'tester'))
  await finish(made, one, 7)
  expect(await endsOf(made, taskId)).toEqual(['one {"a":7}'])
})

test('a child that fails, is cancelled, or is closed by hand says which', async () => {
  const made = await world()
  await made.register('order', [{ name: 'a', attempts: 1 }])
  const { taskId } = await parent(made, [child('fails'), child('stops'), child('closed', { name: 'order' })])
  const children = await childrenOf(made, taskId)
  const of = (key: string): TaskId => children.get(key) ?? ('' as TaskId)
  const failure = { message: 'no', errorType: 'Error', code: 'NO_STOCK', retryable: false }
  made.crew.result(commandOf(made.crew, of('fails')), { type: 'failed', failure })
  await made.soon(made.engine.cancel(of('stops'), 'enough', 'tester'))
  made.crew.result(commandOf(made.crew, of('stops')), { type: 'cancelled' })
  made.crew.fail(commandOf(made.crew, of('closed')))
  await settled()
  await made.soon(made.engine.order(of('closed'), { type: 'resolve' }, 'tester'))
  expect([...(await endsOf(made, taskId))].sort()).toEqual(['closed TASK_RESOLVED', 'fails NO_STOCK', 'stops cancelled'])
})

test('what refuses a child is its end, with the code', async () => {
  const made = await world()
  const strict = document('strict', { input_schema: { type: 'object', required: ['x'] } })
  await made.soon(made.engine.register(strict, { replace: false, actor: 'tester' }))
  const { taskId } = await parent(made, [
    child('unknown', { name: 'nobody' }),
    child('version', { version: '9.0.0' }),
    child('misfit', { name: 'strict' }),
    child('no object', { input: trustedJson('[1]') }),
  ])
  expect([...(await endsOf(made, taskId))].sort()).toEqual([
    'misfit CONTEXT_INVALID',
    'no object CONTEXT_INVALID',
    'unknown TEMPLATE_NOT_FOUND',
    'version TEMPLATE_NOT_FOUND',
  ])
})

describe('the end of a parent', () => {
  const ends: readonly (readonly [string, (made: World, taskId: TaskId) => Promise<void>])[] = [
    ['completed', (made, taskId) => finish(made, taskId)],
    [
      'failed',
      async (made, taskId) => {
        made.crew.fail(commandOf(made.crew, taskId), false)
        await settled()
      },
    ],
  ]
  test.each(ends)('%s cancels the children that go with it, and leaves the others', async (_, end) => {
    const made = await world()
    const taskId = await made.submitted(submissionOf(1, { name: 'above' }))
    made.crew.record(commandOf(made.crew, taskId), [child('goes'), child('stays', { onClose: 'abandon' })])
    await settled()
    const children = await childrenOf(made, taskId)
    await end(made, taskId)
    const statuses = await Promise.all([...children.values()].map((id) => statusOf(made, id)))
    expect(statuses).toEqual(['cancelling', 'steps_in_process'])
  })

  test('children of children go with them, and nothing runs at the end', async () => {
    const made = await world()
    const { taskId } = await parent(made, [child('one')])
    const [one = '' as TaskId] = [...(await childrenOf(made, taskId)).values()]
    made.crew.record(commandOf(made.crew, one), [child('two')], { number: 1, then: { type: 'suspend', seen: 0 } })
    await settled()
    const [two = '' as TaskId] = [...(await childrenOf(made, one)).values()]
    await made.soon(made.engine.cancel(taskId, 'enough', 'tester'))
    made.crew.result(commandOf(made.crew, taskId), { type: 'cancelled' })
    await settled()
    made.crew.result(commandOf(made.crew, one), { type: 'cancelled' })
    await settled()
    made.crew.result(commandOf(made.crew, two), { type: 'cancelled' })
    await settled()
    for (const id of [taskId, one, two]) expect(await statusOf(made, id)).toBe('cancelled')
  })
})

test('a child that nobody waits for is over for its parent, and is cancelled', async () => {
  const made = await world()
  const taskId = await made.submitted(submissionOf(1, { name: 'above' }))
  const run = commandOf(made.crew, taskId)
  made.crew.record(run, [child('loser'), child('free', { onClose: 'abandon' })])
  made.crew.record(run, [
    { type: 'cancel', key: 'loser' },
    { type: 'cancel', key: 'free' },
  ])
  await settled()
  const children = await childrenOf(made, taskId)
  expect(await endsOf(made, taskId)).toEqual(['loser cancelled'])
  const statuses = await Promise.all([...children.values()].map((id) => statusOf(made, id)))
  expect(statuses.map((status) => status ?? 'none')).toEqual(['cancelling', 'steps_in_process'])
})

test('a function that continues lets go of its children, and may use their keys again', async () => {
  const made = await world()
  const taskId = await made.submitted(submissionOf(1, { name: 'above' }))
  const run = commandOf(made.crew, taskId)
  made.crew.record(run, [child('one')])
  await settled()
  const [first = '' as TaskId] = [...(await childrenOf(made, taskId)).values()]
  made.crew.record(run, [], { then: { type: 'continue', input: jsonOf(2), seen: 1, unread: [] } })
  await settled()
  made.crew.record(run, [child('one')], { life: 2 })
  await settled()
  const [second = '' as TaskId] = [...(await childrenOf(made, taskId)).values()]
  expect(second).not.toBe(first)
  expect(await statusOf(made, first)).toBe('cancelling')
  expect((await made.engine.read(second))?.state.submitted.parent).toMatchObject({ round: 2 })
})

test('too many at once, and too many one below the other, are refused', async () => {
  const made = await world()
  const many = Array.from({ length: LIMITS.openChildrenMax + 1 }, (_, n) => child(`c${n}`))
  const { taskId, run } = await parent(made, many)
  expect(made.crew.news.at(-1)?.refused).toMatchObject({ reason: 'TOO_MANY_CHILDREN' })
  expect(await childrenOf(made, taskId)).toEqual(new Map())
  made.crew.complete(run)
  await settled()
  const deep = { taskId, of: 'function', key: 'x', round: 1, onClose: 'abandon', depth: LIMITS.childDepthMax } as const
  const low = await made.submitted(
    submissionOf(2, { name: 'above', child: { taskId: submissionOf(2).requestId as TaskId, parent: deep } }),
  )
  made.crew.record(commandOf(made.crew, low), [child('deeper')], { number: 1 })
  await settled()
  expect(await endsOf(made, low)).toEqual(['deeper CHILD_TOO_DEEP'])
})

/** Everybody does what is to be done until nothing is. */
const play = async (made: TestEngine, worker: ScriptedWorker, done: Set<string>): Promise<void> => {
  for (const command of worker.commands) {
    const key = `${command.taskId}/${command.attempt}/${worker.id}`
    if (done.has(key)) continue
    done.add(key)
    if (command.task.submitted.name === 'below') worker.complete(command, { of: command.taskId })
    else if (command.run?.links.some(({ fact }) => fact.type === 'child.ended') === true) worker.complete(command)
    else {
      const from = (command.run?.from ?? 0) + (command.run?.links.length ?? 0)
      worker.record(command, [child('one')], { number: 1, then: { type: 'suspend', seen: from } })
    }
  }
  await settled()
  worker.session.heard()
  await made.clock.advance(1_000)
  await settled()
}

/** The append is the last that the server makes, or the first that it does not. */
test.each([true, false])(
  'a child is begun once and ends once, whichever append the server dies at (written: %s)',
  async (isWritten) => {
    let appends = 0
    let isOver = false
    for (let dies = 1; !isOver; dies++) {
      const faults = new Switchboard()
      const log = memoryLog({ partitionCount: PARTITIONS, faults })
      const [store, clock] = [memoryStore(), new VirtualClock()]
      const first = await world({ log, store, clock })
      const taskId = await first.submitted(submissionOf(1, { name: 'above' }))
      appends = 0
      let dead = false
      faults.append = () => {
        appends++
        if (appends === dies && isWritten) return { type: 'delivered' }
        dead ||= appends >= dies
        return dead ? { type: 'unavailable' } : { type: 'delivered' }
      }
      const before = new Set<string>()
      for (let turns = 0; turns < 6; turns++) await play(first, first.crew, before)
      const survived = !dead
      dead = true
      first.engine.stop().catch(() => undefined)
      faults.append = () => ({ type: 'delivered' })
      const second = await startTestEngine({ log, store, clock })
      const worker = second.worker({ handlers: HANDLERS })
      const after = new Set<string>()
      for (let turns = 0; turns < 40; turns++) await play(second, worker, after)
      const events = log.all().flatMap((commit) => (commit.stream.kind === 'task' ? decodeTaskEvents(commit) : []))
      const count = (type: string): number => events.filter(({ event }) => event.type === type).length
      expect({ dies, status: await statusOf(second, taskId), submitted: count('task.submitted') }).toEqual({
        dies,
        status: 'complete',
        submitted: 2,
      })
      expect([count('child.started'), count('child.ended'), count('task.completed')]).toEqual([1, 1, 2])
      await second.engine.stop()
      isOver = survived
    }
    expect(appends).toBeGreaterThan(4)
  },
)
