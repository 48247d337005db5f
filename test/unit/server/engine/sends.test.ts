/** Signals of durable functions to other tasks: N1 and N2 of `server/src/engine/journal-sends.ts`. */
import { jsonOf, type JournalFact, type TaskId } from '@tasker/core'
import type { HandedIn } from '@tasker/server/internal/engine/api'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { expect, test } from 'vitest'
import {
  gate,
  PARTITIONS,
  type ScriptedWorker,
  startTestEngine,
  submissionOf,
  Switchboard,
  type TestEngine,
} from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

interface World {
  readonly made: TestEngine
  readonly worker: ScriptedWorker
  readonly from: TaskId
  readonly to: TaskId
  readonly faults: Switchboard
}

/** Two functions that run on one worker. */
const world = async (options: Parameters<typeof startTestEngine>[0] = {}): Promise<World> => {
  const faults = new Switchboard()
  const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }), ...options })
  for (const name of ['from', 'to']) {
    const document = JSON.stringify({ kind: 'function', name, namespace_name: 'shop', version: '1.0.0' })
    await made.soon(made.engine.register(document, { replace: false, actor: 'tester' }))
  }
  const worker = made.worker({ handlers: ['from@1.0.0/run', 'to@1.0.0/run'] })
  const from = await made.submitted(submissionOf(1, { name: 'from' }))
  const to = await made.submitted(submissionOf(2, { name: 'to' }))
  return { made, worker, from, to, faults }
}

const send = (key: string, taskId: string, name = 'go'): HandedIn => ({
  type: 'send',
  key,
  taskId,
  name,
  payload: jsonOf({ key }),
})

const runOf = ({ worker }: World, taskId: TaskId) => {
  const command = worker.commands.findLast((one) => one.taskId === taskId)
  if (command === undefined) throw new Error('the function was not started')
  return command
}

const factsOf = async ({ made }: World, taskId: TaskId): Promise<readonly string[]> =>
  (await made.engine.history(taskId, 0, 100)).flatMap(({ event }) => {
    if (event.type === 'signal.received') return [`got ${event.name} ${event.payload}`]
    return event.type === 'effect.recorded' ? [`${event.key} ${endOf(event)}`] : []
  })

const endOf = (fact: Extract<JournalFact, { type: 'effect.recorded' }>): string => {
  if (!('outcome' in fact)) return fact.kind
  return fact.outcome.type === 'failed' ? (fact.outcome.failure.code ?? '') : fact.outcome.type
}

test('a signal is with the other task when its sender has it recorded, in its place among what was handed in', async () => {
  const here = await world()
  const run = runOf(here, here.from)
  here.worker.record(run, [
    { type: 'effect.recorded', kind: 'patch', key: 'before' },
    send('one', here.to),
    { type: 'effect.recorded', kind: 'patch', key: 'after' },
  ])
  await settled()
  expect(await factsOf(here, here.to)).toEqual(['got go {"key":"one"}'])
  expect(await factsOf(here, here.from)).toEqual(['before patch', 'one succeeded', 'after patch'])
})

test('a task that is unknown, over, no function, or no id at all, is told by its code', async () => {
  const here = await world()
  await here.made.register('order', [{ name: 'a' }])
  const order = await here.made.submitted(submissionOf(3))
  here.worker.complete(runOf(here, here.to))
  await settled()
  const unknown = '01JD0000000000000000000000'
  here.worker.record(runOf(here, here.from), [send('a', unknown), send('b', here.to), send('c', order), send('d', 'not an id')])
  await settled()
  expect(await factsOf(here, here.from)).toEqual(['a TASK_NOT_FOUND', 'b TASK_FINISHED', 'c NO_FUNCTION', 'd TASK_NOT_FOUND'])
})

test('a signal whose record was lost is the same signal when it is asked for again, also when its task is over by then', async () => {
  const here = await world()
  here.faults.append = (rows) =>
    rows.some(({ commit }) => commit.types.includes('effect.recorded'))
      ? { type: 'refused', message: 'no' }
      : { type: 'delivered' }
  here.worker.record(runOf(here, here.from), [send('one', here.to)])
  await settled()
  here.faults.up()
  expect(await factsOf(here, here.from)).toEqual([])
  here.worker.complete(runOf(here, here.to))
  await settled()
  here.worker.record(runOf(here, here.from), [send('one', here.to)])
  await settled()
  expect(await factsOf(here, here.to)).toEqual(['got go {"key":"one"}'])
  expect(await factsOf(here, here.from)).toEqual(['one succeeded'])
})

test('what is handed in behind a signal waits for it, and a function may signal itself', async () => {
  const here = await world()
  const away = gate()
  here.faults.append = async () => {
    await away.passed
    return { type: 'delivered' }
  }
  const run = runOf(here, here.from)
  here.worker.record(run, [send('one', here.to)])
  here.worker.record(run, [{ type: 'effect.recorded', kind: 'patch', key: 'two' }, send('three', here.from)])
  here.worker.record(run, [{ type: 'effect.recorded', kind: 'patch', key: 'four' }])
  await settled()
  away.open()
  await settled()
  expect(await factsOf(here, here.from)).toEqual([
    'one succeeded',
    'got go {"key":"three"}',
    'two patch',
    'three succeeded',
    'four patch',
  ])
  const answered = here.worker.news.flatMap(({ recorded }) => (recorded === 0 ? [] : [recorded]))
  expect(answered).toEqual([1, 2, 3])
})

test('a record behind a signal is decided after it, also when its task cannot be read meanwhile', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const away = gate()
  const slow = new Set<string>()
  const broken = new Set<string>()
  const readStream: typeof log.readStream = async function* (...asked) {
    const [{ id }] = asked
    if (broken.has(id)) throw new Error('the log is away')
    if (slow.has(id)) await away.passed
    yield* log.readStream(...asked)
  }
  const here = await world({ log: { ...log, readStream }, settings: { cacheBytesMax: 1 } })
  const run = runOf(here, here.from)
  slow.add(here.to)
  here.worker.record(run, [send('one', here.to)])
  await settled()
  // It takes the place of what was in memory.
  await here.made.submitted(submissionOf(3, { name: 'to' }))
  broken.add(here.from)
  here.worker.record(run, [{ type: 'effect.recorded', kind: 'patch', key: 'two' }])
  await settled()
  broken.clear()
  away.open()
  await settled()
  await here.made.clock.advance(2_000)
  await settled()
  expect(await factsOf(here, here.from)).toEqual(['one succeeded', 'two patch'])
})

test('a function that asks to be suspended with a signal goes on, because it has not seen how that went', async () => {
  const here = await world()
  const run = runOf(here, here.from)
  here.worker.record(run, [send('one', here.to)], { then: { type: 'suspend', seen: 0 } })
  await settled()
  expect(here.worker.news.at(-1)).toMatchObject({ recorded: 1, pause: undefined })
  here.worker.record(run, [], { then: { type: 'suspend', seen: 1 } })
  await settled()
  expect(here.worker.news.at(-1)).toMatchObject({ recorded: 2, pause: 'suspended' })
})

test('a worker that does not hold the run any more signals nobody', async () => {
  const here = await world()
  const other = here.made.worker({ handlers: [] })
  other.record(runOf(here, here.from), [send('one', here.to)])
  await settled()
  expect(other.news.at(-1)?.refused?.reason).toBe('LEASE_LOST')
  expect(await factsOf(here, here.to)).toEqual([])
})
