/** Durable functions of a whole engine, run by workers that do what a test says: the server's side of W20 to W25. */
import { durationMs, instant, type JournalProposal, jsonOf, LIMITS, type TaskId, type TaskStatus, taskStatus } from '@tasker/core'
import type { JournalNews, StepCommand } from '@tasker/server/internal/engine/api'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
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
import { settled } from '../../../support/virtual-clock.js'

const GREET = JSON.stringify({ kind: 'function', name: 'greet', namespace_name: 'shop', version: '1.0.0' })
const RUN = 'greet@1.0.0/run'

interface World extends TestEngine {
  readonly greeter: (fields?: Parameters<TestEngine['worker']>[0]) => ScriptedWorker
}

const world = async (options: Parameters<typeof startTestEngine>[0] = {}): Promise<World> => {
  const made = await startTestEngine(options)
  const answer = await made.soon(made.engine.register(GREET, { replace: false, actor: 'tester' }))
  if (answer.type === 'failed') throw new Error(JSON.stringify(answer.fault))
  return Object.assign(made, { greeter: greeterOf(made) })
}

const greeterOf =
  (made: TestEngine): World['greeter'] =>
  (fields = {}) =>
    made.worker({ handlers: [RUN], ...fields })

const greet = (n: number) => submissionOf(n, { name: 'greet' })

const step = (key: string, result: number): JournalProposal => ({
  type: 'effect.recorded',
  kind: 'step',
  key,
  outcome: { type: 'succeeded', result: jsonOf(result) },
})

const sleep = (key: string, dueAt: number): JournalProposal => ({ type: 'timer', kind: 'timer', key, dueAt: instant(dueAt) })

const signal = async (made: TestEngine, taskId: TaskId, name: string, requestId?: string) =>
  made.soon(
    made.engine.order(
      taskId,
      { type: 'signal', name, payload: jsonOf({ of: name }), ...(requestId === undefined ? {} : { requestId }) },
      'tester',
    ),
  )

const statusOf = async (made: TestEngine, taskId: TaskId): Promise<TaskStatus | undefined> => {
  const snapshot = await made.engine.read(taskId)
  return snapshot && taskStatus(snapshot.state)
}

/** What news say, shortly: where they begin, their facts, which record they answer and how the run goes on. */
const shortly = ({ from, links, recorded, refused, pause }: JournalNews): string =>
  [
    `${from}:`,
    ...links.map(({ fact }) => ('key' in fact ? `${fact.type} ${fact.key}` : fact.type)),
    ...(recorded === 0 ? [] : [`#${recorded}`]),
    ...(refused === undefined ? [] : [refused.reason]),
    ...(pause === undefined ? [] : [pause]),
  ].join(' ')

const told = (worker: ScriptedWorker): readonly string[] => worker.news.map(shortly)

/** What a command shows of the journal. */
const shown = ({ run }: StepCommand): readonly string[] =>
  run?.links.map(({ fact }) => ('key' in fact ? `${fact.type} ${fact.key}` : fact.type)) ?? ['no function']

const started = async (made: World, worker: ScriptedWorker, n = 1): Promise<{ taskId: TaskId; command: StepCommand }> => {
  const taskId = await made.submitted(greet(n))
  return { taskId, command: worker.command('run') }
}

/** Time passes, and the worker is heard all the while. */
const pass = async (made: TestEngine, worker: ScriptedWorker, ms: number): Promise<void> => {
  for (let left = ms; left > 0; left -= 20_000) {
    worker.session.heard()
    await made.clock.advance(durationMs(Math.min(left, 20_000)))
  }
  await settled()
}

test('a function runs: what it hands in is answered when the log holds it, and its result ends the task', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  expect(command.run).toEqual({ from: 0, links: [] })
  worker.record(command, [step('a', 1), { type: 'effect.recorded', kind: 'state', key: 'seen', value: jsonOf(1) }])
  expect(worker.news).toEqual([])
  await settled()
  expect(worker.news).toMatchObject([{ life: 1, from: 0, asProposed: true, recorded: 1, began: undefined }])
  expect(told(worker)).toEqual(['0: effect.recorded a effect.recorded seen #1'])
  worker.complete(command, { hello: 'world' })
  await settled()
  expect(worker.acks).toMatchObject([{ status: 'recorded' }])
  expect((await made.engine.read(taskId))?.state).toMatchObject({
    phase: 'completed',
    steps: [{ output: jsonOf({ hello: 'world' }) }],
  })
})

test('records that are under way together are answered in their order', async () => {
  const made = await world()
  const worker = made.greeter()
  const { command } = await started(made, worker)
  worker.record(command, [step('a', 1)])
  worker.record(command, [step('b', 1)])
  worker.record(command, [step('a', 2)])
  await settled()
  expect(told(worker)).toEqual(['0: effect.recorded a #1', '1: effect.recorded b #2', '2: #3'])
})

test('a record that comes again under its number is answered again, and leaves nothing', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  const value = (n: number): JournalProposal => ({ type: 'effect.recorded', kind: 'state', key: 'k', value: jsonOf(n) })
  worker.record(command, [value(1)])
  worker.record(command, [value(2)])
  await settled()
  worker.record(command, [value(1)], { number: 1 })
  await settled()
  expect(told(worker)).toEqual(['0: effect.recorded k #1', '1: effect.recorded k #2', '2: #1'])
  expect((await made.engine.read(taskId))?.state.journal?.state.get('k')).toBe('2')
})

test('a function that has seen all is suspended in the commit of its record, and holds no slot', async () => {
  const made = await world()
  const worker = made.greeter({ slots: 1 })
  const { taskId, command } = await started(made, worker)
  worker.record(command, [step('a', 1)], { then: { type: 'suspend', seen: 0 } })
  await settled()
  expect(told(worker)).toEqual(['0: effect.recorded a #1 suspended'])
  expect(await statusOf(made, taskId)).toBe('waiting_for_signal')
  const other = await made.submitted(greet(2))
  expect(worker.command('run').taskId).toBe(other)
})

test('a signal wakes a function that is suspended, and the next run sees it', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  worker.record(command, [step('a', 1)], { then: { type: 'suspend', seen: 0 } })
  await settled()
  expect(await signal(made, taskId, 'go')).toMatchObject({ type: 'done', taskId })
  const next = worker.command('run')
  expect(next).toMatchObject({ attempt: 2 })
  expect(shown(next)).toEqual(['effect.recorded a', 'signal.received'])
  worker.complete(next)
  await settled()
  expect(await statusOf(made, taskId)).toBe('complete')
  expect(await signal(made, taskId, 'late')).toMatchObject({ type: 'refused', refusal: { reason: 'TASK_FINISHED' } })
})

test('functions that rest for long leave the memory, those that are due soon stay, and all go on when something wakes them', async () => {
  const made = await world()
  const worker = made.greeter({ slots: 10_000 })
  const bytes = (): number => made.engine.health().limits.find(({ limit }) => limit === 'cache_bytes')?.used ?? Infinity
  const rests = async (from: number, to: number, proposals: readonly JournalProposal[]): Promise<number> => {
    const before = bytes()
    for (let n = from; n < to; n++) made.submit(greet(n))
    await settled()
    for (const command of worker.commands.slice(from - 1)) {
      worker.record(command, proposals, { then: { type: 'suspend', seen: 0 } })
    }
    await settled()
    return bytes() - before
  }
  const soon = [step('a', 1), sleep('nap', made.clock.now() + 30_000)]
  const each = (await rests(1, 101, soon)) / 100
  expect(await rests(101, 2_301, [step('a', 1)])).toBeLessThan(2_000 * each)
  expect(await rests(2_301, 4_501, soon)).toBeGreaterThan(2_000 * each)
  const first = worker.commands[100]
  if (first === undefined) throw new Error('the first that rests was never run')
  expect(await signal(made, first.taskId, 'go')).toMatchObject({ type: 'done' })
  expect(worker.commands.at(-1)).toMatchObject({ taskId: first.taskId, attempt: 2 })
  expect(shown(worker.command('run'))).toEqual(['effect.recorded a', 'signal.received'])
})

test('a signal with a request id that is known is no other signal', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId } = await started(made, worker)
  await signal(made, taskId, 'go', 'r1')
  expect(await signal(made, taskId, 'go', 'r1')).toMatchObject({ type: 'done' })
  await signal(made, taskId, 'go', 'r2')
  expect(told(worker)).toEqual(['0: signal.received', '1: signal.received'])
})

test('a signal comes to the run that is out, and a suspension that has not seen it is none', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  await signal(made, taskId, 'go')
  worker.record(command, [step('a', 1)], { then: { type: 'suspend', seen: 0 } })
  await settled()
  expect(told(worker)).toEqual(['0: signal.received', '1: effect.recorded a #1'])
  worker.record(command, [], { then: { type: 'suspend', seen: 1 } })
  await settled()
  expect(told(worker).at(-1)).toBe('2: #2')
  worker.record(command, [], { then: { type: 'suspend', seen: 2 } })
  await settled()
  expect(told(worker).at(-1)).toBe('2: #3 suspended')
})

test('timers fire for a function that is suspended and for one that runs, each at its time', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  const now = made.clock.now()
  worker.record(command, [sleep('long', now + 90_000), sleep('short', now + 1_000), sleep('short too', now + 1_000)])
  await settled()
  await made.clock.advance(1_000)
  await settled()
  expect(told(worker).slice(1)).toEqual(['3: timer.fired short', '4: timer.fired short too'])
  worker.record(command, [], { then: { type: 'suspend', seen: 5 } })
  await settled()
  expect(await statusOf(made, taskId)).toBe('sleeping')
  await pass(made, worker, 88_999)
  expect(worker.commands).toHaveLength(1)
  await made.clock.advance(1)
  await settled()
  expect(shown(worker.command('run')).at(-1)).toBe('timer.fired long')
})

test('a timer that is called off does not fire, and the next one does', async () => {
  const made = await world()
  const worker = made.greeter()
  const { command } = await started(made, worker)
  const now = made.clock.now()
  worker.record(command, [sleep('first', now + 1_000), sleep('second', now + 2_000)])
  worker.record(command, [{ type: 'cancel', key: 'first' }])
  await settled()
  await made.clock.advance(5_000)
  await settled()
  expect(told(worker).slice(1)).toEqual(['2: timer.cancelled first #2', '3: timer.fired second'])
})

test('a cancelled function hears it in its journal and not otherwise, cleans up and says that it is done', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  await made.soon(made.cancel(taskId))
  await pass(made, worker, 60_000)
  expect(worker.cancellations).toEqual([])
  expect(told(worker)).toEqual(['0: task.cancel_requested'])
  worker.record(command, [step('undo', 1)])
  worker.result(command, { type: 'cancelled' })
  await settled()
  expect(worker.acks).toMatchObject([{ status: 'recorded' }])
  expect(await statusOf(made, taskId)).toBe('cancelled')
})

test('a function that is suspended is run to hear of its cancellation', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  worker.record(command, [], { then: { type: 'suspend', seen: 0 } })
  await settled()
  await made.soon(made.cancel(taskId))
  expect(shown(worker.command('run'))).toEqual(['task.cancel_requested'])
  worker.result(worker.command('run'), { type: 'cancelled' })
  await settled()
  expect(await statusOf(made, taskId)).toBe('cancelled')
})

test('a function that was woken while it was paused is run to hear of its cancellation', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  worker.record(command, [], { then: { type: 'suspend', seen: 0 } })
  await settled()
  await made.soon(made.engine.order(taskId, { type: 'pause' }, 'tester'))
  await signal(made, taskId, 'go')
  expect(worker.commands).toHaveLength(1)
  await made.soon(made.cancel(taskId))
  expect(shown(worker.command('run'))).toEqual(['signal.received', 'task.cancel_requested'])
  worker.result(worker.command('run'), { type: 'cancelled' })
  await settled()
  expect(await statusOf(made, taskId)).toBe('cancelled')
})

test('a function that throws has failed with its code, also where that could be tried again', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  worker.result(command, { type: 'failed', failure: { message: 'no money', errorType: 'Error', code: 'BROKE', retryable: true } })
  await settled()
  expect((await made.engine.read(taskId))?.state).toMatchObject({
    phase: 'failed',
    failed: { code: 'BROKE', message: 'no money' },
  })
  expect(worker.commands).toHaveLength(1)
})

test('a function that diverged waits for a person, keeps what comes, and goes on when it is retried', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  worker.record(command, [], { then: { type: 'diverge', expected: 'step a', actual: 'step b', line: 'f.ts:1:1' } })
  await settled()
  expect(told(worker)).toEqual(['0: #1 diverged'])
  expect(await statusOf(made, taskId)).toBe('diverged')
  await signal(made, taskId, 'go')
  expect(worker.commands).toHaveLength(1)
  await made.soon(made.engine.order(taskId, { type: 'retry' }, 'tester'))
  expect(shown(worker.command('run'))).toEqual(['signal.received'])
})

test('a function that continues goes on in the same run with a new life, and keeps the signals that it did not take', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  worker.record(command, [step('a', 1)])
  await signal(made, taskId, 'taken')
  await signal(made, taskId, 'kept')
  const again = { then: { type: 'continue', input: jsonOf('next'), seen: 3, unread: [2] } } as const
  worker.record(command, [{ type: 'effect.recorded', kind: 'state', key: 'k', value: jsonOf(1) }], again)
  await settled()
  expect(worker.news.at(-1)).toMatchObject({ life: 2, from: 0, recorded: 2, asProposed: false, began: { input: '"next"' } })
  expect(told(worker).at(-1)).toBe('0: signal.received #2')
  worker.record(command, [], { ...again, number: 2 })
  worker.record(command, [step('a', 2)], { life: 2 })
  await settled()
  expect(told(worker).slice(-2)).toEqual(['1: #2', '1: effect.recorded a #3'])
  expect((await made.engine.read(taskId))?.state.journal).toMatchObject({ life: 2, length: 2, input: '"next"' })
})

test('the run of a worker that is lost is run again by another, which sees the journal', async () => {
  const made = await world()
  const lost = made.greeter()
  const { taskId, command } = await started(made, lost)
  lost.record(command, [step('a', 1)])
  await settled()
  const other = made.greeter()
  lost.session.disconnected()
  await made.clock.advance(LIMITS.workerGraceMs)
  await made.clock.advance(LIMITS.functionRetryMsMax)
  await settled()
  const next = other.command('run')
  expect(next).toMatchObject({ taskId, attempt: 2 })
  expect(shown(next)).toEqual(['effect.recorded a'])
  const back = made.greeter({ id: lost.id, running: [command] })
  expect(back.session.forgotten).toMatchObject([{ attempt: 1 }])
  back.record(command, [step('b', 1)], { number: 2 })
  await settled()
  expect(told(back)).toEqual(['0: #2 LEASE_LOST taken_away'])
  expect((await made.engine.read(taskId))?.state.journal?.length).toBe(1)
})

test('after its stream broke a worker is told the journal from the beginning, then what it asks again', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  worker.record(command, [step('a', 1)])
  worker.session.disconnected()
  await settled()
  await signal(made, taskId, 'meanwhile')
  const back = made.greeter({ id: worker.id, running: [command] })
  back.record(command, [step('a', 1)], { number: 1 })
  await settled()
  expect(told(back)).toEqual(['0: effect.recorded a signal.received', '2: #1'])
  expect(back.news[0]).toMatchObject({ asProposed: false, began: { input: jsonOf({ n: 1 }) } })
  back.session.journalWanted(command)
  await settled()
  expect(told(back).at(-1)).toBe('0: effect.recorded a signal.received')
})

test('a journal of many bytes comes in pieces, in order, behind its command', async () => {
  const made = await world()
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  const text = 'x'.repeat(LIMITS.journalPieceCharsMax / 2)
  const large = (key: string): JournalProposal => ({
    type: 'effect.recorded',
    kind: 'step',
    key,
    outcome: { type: 'succeeded', result: jsonOf(text) },
  })
  for (const key of ['a', 'b', 'c']) worker.record(command, [large(key)])
  worker.record(command, [], { then: { type: 'suspend', seen: 3 } })
  await settled()
  worker.news.splice(0)
  worker.heard.splice(0)
  await signal(made, taskId, 'go')
  expect(worker.heard).toEqual(['command run', 'news run', 'news run'])
  expect(shown(worker.command('run'))).toEqual(['effect.recorded a'])
  expect(told(worker)).toEqual(['1: effect.recorded b', '2: effect.recorded c signal.received'])
})

test('what cannot be recorded is refused with its reason, and the run goes on', async () => {
  const made = await world()
  const worker = made.greeter()
  const { command } = await started(made, worker)
  const many = Array.from({ length: LIMITS.functionOperationsMax + 1 }, (_, n) => step(`s${n}`, n))
  worker.record(command, many)
  worker.record(command, [], {
    problem: { code: 'INVALID_INPUT', reason: 'RECORD_NOT_READ', message: 'not read', retryable: false },
  })
  worker.record(command, [step('a', 1)])
  await settled()
  expect(told(worker)).toEqual(['0: #1 TOO_MANY_OPERATIONS', '0: #2 RECORD_NOT_READ', '0: effect.recorded a #3'])
})

test('a run that leaves its journal as it is for too long is taken away and run again; one that hands something in is not', async () => {
  const made = await world()
  const worker = made.greeter()
  const { command } = await started(made, worker)
  const quiet = LIMITS.functionQuietMs
  await pass(made, worker, quiet - 1_000)
  worker.record(command, [step('a', 1)])
  await settled()
  await pass(made, worker, quiet - 1_000)
  expect(worker.commands).toHaveLength(1)
  await pass(made, worker, 1_000)
  expect(told(worker).at(-1)).toBe('1: taken_away')
  await pass(made, worker, LIMITS.functionRetryMsMax)
  expect(worker.command('run')).toMatchObject({ attempt: 2 })
})

describe('a worker that keeps a suspended function', () => {
  const keeping = { then: { type: 'suspend', seen: 0 }, keeps: true } as const

  test('is given it again, with what came since alone, and the whole when it asks', async () => {
    const made = await world()
    const [first, keeper] = [made.greeter(), made.greeter()]
    const taskId = await made.submitted(greet(1))
    const [runs, other] = first.commands.length > 0 ? [first, keeper] : [keeper, first]
    for (let attempt = 1; attempt <= 5; attempt++) {
      const command = runs.command('run')
      expect(command).toMatchObject({ attempt, run: { from: attempt === 1 ? 0 : 2 * attempt - 3 } })
      const then = { type: 'suspend', seen: 2 * attempt - 2 } as const
      runs.record(command, [step(`s${attempt}`, 1)], { then, keeps: true, number: 1 })
      await settled()
      await signal(made, taskId, 'go')
    }
    expect(other.commands).toEqual([])
    runs.session.journalWanted(runs.command('run'))
    await settled()
    expect(runs.news.at(-1)).toMatchObject({ from: 0, began: { input: jsonOf({ n: 1 }) } })
    expect(runs.news.at(-1)?.links).toHaveLength(10)
  })

  test('that has no free slot, or is gone, is passed over: another gets the whole', async () => {
    const made = await world()
    const keeper = made.greeter({ slots: 1 })
    const { taskId, command } = await started(made, keeper)
    keeper.record(command, [step('a', 1)], keeping)
    await settled()
    await made.submitted(greet(2))
    const other = made.greeter()
    await signal(made, taskId, 'go')
    const next = other.command('run')
    expect(next).toMatchObject({ taskId, run: { from: 0 } })
    other.record(next, [], { then: { type: 'suspend', seen: 2 }, keeps: true })
    await settled()
    other.session.disconnected()
    keeper.complete(keeper.command('run'))
    await settled()
    await signal(made, taskId, 'go')
    expect(keeper.command('run')).toMatchObject({ taskId, attempt: 3, run: { from: 0 } })
  })

  test('is found for functions that waited in the queue, too', async () => {
    const made = await world()
    const keeper = made.greeter({ slots: 1 })
    const { taskId, command } = await started(made, keeper)
    keeper.record(command, [step('a', 1)], keeping)
    await settled()
    const busy = await started(made, keeper, 2)
    await signal(made, taskId, 'go')
    keeper.complete(busy.command)
    await settled()
    expect(keeper.command('run')).toMatchObject({ taskId, run: { from: 1 } })
  })
})

test('a server that starts anew goes on with functions that run, are suspended, sleep, or were about to be told', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const first = await world({ log, store })
  const worker = first.greeter()
  const running = await started(first, worker, 1)
  worker.record(running.command, [step('a', 1)])
  const waiting = await started(first, worker, 2)
  worker.record(waiting.command, [], { number: 1, then: { type: 'suspend', seen: 0 } })
  const asleep = await started(first, worker, 3)
  worker.record(asleep.command, [sleep('s', first.clock.now() + 3_600_000)], { number: 1, then: { type: 'suspend', seen: 0 } })
  const going = await started(first, worker, 4)
  worker.record(going.command, [], { number: 1, then: { type: 'continue', input: jsonOf(2), seen: 0, unread: [] } })
  await settled()
  await first.clock.advance(1_000)
  const second = await startTestEngine({ log, store, clock: first.clock })
  const back = greeterOf(second)({ id: worker.id, running: [running.command, going.command] })
  await settled()
  // The answers were lost with the first server.
  back.record(running.command, [step('a', 1)], { number: 1 })
  back.record(going.command, [], { number: 1, then: { type: 'continue', input: jsonOf(2), seen: 0, unread: [] } })
  await settled()
  const of = ({ taskId }: { readonly taskId: TaskId }): readonly string[] =>
    back.news.filter((n) => n.taskId === taskId).map(shortly)
  expect(of(running)).toEqual(['0: effect.recorded a', '1: #1'])
  expect(of(going)).toEqual(['0:', '0: #1'])
  expect((await second.engine.read(going.taskId))?.state.journal?.life).toBe(2)
  await signal(second, waiting.taskId, 'go')
  expect(back.command('run')).toMatchObject({ taskId: waiting.taskId, attempt: 2 })
  await pass(second, back, 3_600_000)
  expect(back.commands.filter(({ taskId }) => taskId === asleep.taskId).map(shown)).toEqual([
    ['timer.started s', 'timer.fired s'],
  ])
})

test('a record that the log did not take is not answered as recorded', async () => {
  const faults = new Switchboard()
  const made = await world({ log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  const worker = made.greeter()
  const { command } = await started(made, worker)
  faults.down()
  worker.record(command, [step('a', 1)])
  await settled()
  expect(worker.news).toEqual([])
  faults.up()
  await made.clock.advance(2_000)
  await settled()
  expect(told(worker)).toEqual(['0: effect.recorded a #1'])
})

test('a record that waits until its log can be read is decided before those that come after it', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  let away = false
  const readStream: typeof log.readStream = async function* (...asked) {
    if (away) throw new Error('the log is away')
    yield* log.readStream(...asked)
  }
  const made = await world({ log: { ...log, readStream }, settings: { cacheBytesMax: 1 } })
  const worker = made.greeter()
  const { taskId, command } = await started(made, worker)
  await made.submitted(submissionOf(2, { name: 'greet' }))
  away = true
  worker.record(command, [step('a', 1)])
  await settled()
  expect(told(worker)).toEqual([])
  away = false
  worker.record(command, [step('b', 1)])
  await settled()
  await made.clock.advance(2_000)
  await settled()
  expect(told(worker)).toEqual(['0: effect.recorded a #1', '1: effect.recorded b #2'])
  expect((await made.engine.read(taskId))?.state.journal?.length).toBe(2)
})
