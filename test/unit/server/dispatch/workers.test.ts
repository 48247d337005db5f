import { workerId } from '@tasker/core'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import {
  gate,
  newWorkerId,
  PARTITIONS,
  startTestEngine,
  type StepShape,
  submissionOf,
  Switchboard,
  type TestEngine,
} from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const world = async (steps: readonly StepShape[] = [{ name: 'a', timeoutS: 600 }]): Promise<TestEngine> => {
  const made = await startTestEngine()
  await made.register('order', steps)
  return made
}

const submitMany = async (made: TestEngine, count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await made.submitted(submissionOf(n))
}

const busyOf = (made: TestEngine): readonly number[] => made.engine.workers().map(({ busy }) => busy)

test('a worker never has more attempts than slots, and gets the next with the acknowledgement of the last (W3)', async () => {
  const made = await world()
  const worker = made.worker({ slots: 2 })
  await submitMany(made, 5)
  expect(worker.commands).toHaveLength(2)
  const [first] = worker.commands
  if (first === undefined) throw new Error('nothing was sent')
  worker.complete(first)
  await settled()
  expect(worker.acks).toHaveLength(1)
  expect(worker.open).toHaveLength(2)
  await worker.workOff()
  expect(worker.commands).toHaveLength(5)
  expect(busyOf(made)).toEqual([0])
})

test('an acknowledgement comes only after the log holds the result (W5), and so does a command (W7)', async () => {
  const passing = gate()
  const faults = new Switchboard()
  const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  await made.register('order', [{ name: 'a' }, { name: 'b', after: ['a'] }])
  const worker = made.worker()
  await made.submitted(submissionOf(1))
  faults.append = async () => {
    await passing.passed
    return { type: 'delivered' }
  }
  worker.complete(worker.command('a'))
  await settled()
  expect(worker.heard).toEqual(['command a'])
  passing.open()
  await settled()
  expect(worker.heard).toEqual(['command a', 'command b', 'ack a recorded'])
})

test('a second copy is a duplicate, a late other result is ignored, one for nothing is refused; the stream lives on (W6)', async () => {
  const made = await world([{ name: 'a' }, { name: 'b', after: ['a'] }])
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  const command = worker.command('a')
  worker.complete(command, { same: 1 })
  worker.complete(command, { same: 1 })
  worker.complete(command, { other: 1 })
  worker.complete({ ...command, attempt: 7 })
  worker.complete({ ...command, step: worker.command('a').step, taskId: submissionOf(99).requestId as typeof taskId })
  await settled()
  expect(worker.acks.map(({ status }) => status)).toEqual(['recorded', 'duplicate', 'ignored', 'refused', 'refused'])
  expect((await made.types(taskId)).filter((type) => type === 'step.completed')).toHaveLength(1)
  await worker.workOff()
  expect(await made.types(taskId)).toContain('task.completed')
})

test('a worker that is silent for too long is lost, its attempts fail as WORKER_LOST and its stream is closed (W8)', async () => {
  const made = await world()
  const silent = made.worker()
  await made.submitted(submissionOf(1))
  await made.clock.advance(29_000)
  silent.session.heard()
  await made.clock.advance(29_000)
  expect(silent.closings).toEqual([])
  const taskId = silent.command('a').taskId
  await made.clock.advance(3_000)
  expect(silent.closings).toEqual(['silent for too long'])
  expect(made.engine.workers()).toEqual([])
  expect(await made.types(taskId)).toContain('step.retry_scheduled')
})

test('a server that was frozen itself does not blame its workers: silence and grace begin again', async () => {
  const made = await world()
  const live = made.worker()
  const broken = made.worker()
  await submitMany(made, 2)
  broken.session.disconnected()
  made.clock.freeze(60_000)
  await made.clock.advance(5_000)
  expect(made.engine.workers().map(({ state }) => state)).toEqual(['connected', 'disconnected'])
  const [held] = broken.commands
  if (held === undefined) throw new Error('nothing was sent')
  const back = made.worker({ id: broken.id, running: [held] })
  expect(back.session.forgotten).toEqual([])
  live.session.heard()
  await made.clock.advance(1_000)
  expect(live.closings).toEqual([])
})

test('a stream that comes back within the grace keeps the attempts it names; the others were never received and cost nothing (W9)', async () => {
  const made = await world()
  const before = made.worker({ slots: 2 })
  await submitMany(made, 2)
  const [kept, unread] = before.commands
  if (kept === undefined || unread === undefined) throw new Error('too little was sent')
  before.session.disconnected()
  await made.clock.advance(9_000)
  const after = made.worker({ id: before.id, slots: 2, running: [kept] })
  await settled()
  expect(after.session.forgotten).toEqual([])
  expect(after.commands).toMatchObject([{ taskId: unread.taskId, attempt: unread.attempt + 1 }])
  after.complete(kept)
  await settled()
  expect(after.acks).toMatchObject([{ taskId: kept.taskId, status: 'recorded' }])
  await after.workOff()
  expect(await made.types(unread.taskId)).toEqual([
    'task.submitted',
    'steps.created',
    'step.scheduled',
    'step.started',
    'step.released',
    'step.scheduled',
    'step.started',
    'step.completed',
    'task.completed',
  ])
})

test('after the grace its attempts fail as lost, and a worker that comes back later is told to forget them (W9)', async () => {
  const made = await world()
  const before = made.worker()
  await made.submitted(submissionOf(1))
  const command = before.command('a')
  before.session.disconnected()
  await made.clock.advance(10_500)
  expect(await made.types(command.taskId)).toContain('step.failed')
  const after = made.worker({ id: before.id, running: [command] })
  expect(after.session.forgotten).toMatchObject([{ taskId: command.taskId, attempt: 1 }])
})

test('a worker that held nothing is forgotten as soon as its stream ends', async () => {
  const made = await world()
  const worker = made.worker()
  worker.session.disconnected()
  expect(made.engine.workers()).toEqual([])
})

test('a start that is not durable before its worker is lost is released, and costs no attempt', async () => {
  const passing = gate()
  const faults = new Switchboard()
  const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  await made.register('order', [{ name: 'a', attempts: 1, timeoutS: 600 }])
  faults.append = async () => {
    await passing.passed
    return { type: 'delivered' }
  }
  const worker = made.worker()
  const answers = made.submit(submissionOf(1))
  await settled()
  worker.session.disconnected()
  await made.clock.advance(11_000)
  passing.open()
  await settled()
  // The log was silent for so long that the client was told to ask again.
  expect(answers).toMatchObject([{ type: 'failed', fault: { reason: 'SUBMISSION_UNCONFIRMED' } }])
  const again = made.submit(submissionOf(1))
  await settled()
  const [answer] = again
  if (answer?.type !== 'existing') throw new Error('not taken')
  expect(await made.types(answer.taskId)).toContain('step.released')
  expect(await made.types(answer.taskId)).not.toContain('step.failed')
  const next = made.worker()
  await settled()
  await next.workOff()
  expect(await made.types(answer.taskId)).toContain('task.completed')
})

test('a cancellation asks the worker to abort, again after a reconnect, and the task waits for its result (W10)', async () => {
  const made = await world()
  const before = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  const command = before.command('a')
  await made.soon(made.cancel(taskId))
  expect(before.cancellations).toMatchObject([{ step: 'a', attempt: 1 }])
  before.session.disconnected()
  const after = made.worker({ id: before.id, running: [command] })
  expect(after.cancellations).toMatchObject([{ step: 'a', attempt: 1 }])
  after.result(command, { type: 'cancelled' })
  await settled()
  expect(after.acks).toMatchObject([{ status: 'recorded' }])
  expect((await made.types(taskId)).at(-1)).toBe('task.cancelled')
})

test('a worker that drains gets no more commands, also not those decided before, and finishes what it has (W11)', async () => {
  const passing = gate()
  const faults = new Switchboard()
  const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }) })
  await made.register('order', [{ name: 'a' }, { name: 'b', after: ['a'] }])
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  faults.append = async () => {
    await passing.passed
    return { type: 'delivered' }
  }
  worker.complete(worker.command('a'))
  worker.session.drain()
  await settled()
  passing.open()
  await settled()
  expect(worker.heard).toEqual(['command a', 'ack a recorded'])
  expect(made.engine.workers()).toMatchObject([{ state: 'draining', busy: 0 }])
  const other = made.worker()
  await settled()
  await other.workOff()
  expect((await made.types(taskId)).at(-1)).toBe('task.completed')
})

test('a second stream with the id of a live one replaces it, whatever the end of the older does (W14)', async () => {
  const made = await world()
  const older = made.worker({ leavesWhenClosed: true })
  const newer = made.worker({ id: older.id })
  expect(older.closings).toEqual(['another stream of the same worker took over'])
  expect(made.engine.workers()).toMatchObject([{ workerId: older.id, state: 'connected' }])
  await made.submitted(submissionOf(1))
  expect(older.commands).toEqual([])
  await newer.workOff()
  expect(newer.acks).toMatchObject([{ status: 'recorded' }])
  await made.clock.advance(31_000)
  expect(newer.closings).toEqual(['silent for too long'])
})

test('an attempt that runs out of time is taken away, and its worker told to stop', async () => {
  const made = await world([{ name: 'a', timeoutS: 2, backoffMs: 50 }])
  const worker = made.worker({ slots: 1 })
  const taskId = await made.submitted(submissionOf(1))
  await made.clock.advance(2_500)
  expect(worker.cancellations).toMatchObject([{ step: 'a', attempt: 1 }])
  expect(worker.commands.map(({ attempt }) => attempt)).toEqual([1, 2])
  worker.complete(worker.command('a'))
  await settled()
  expect((await made.types(taskId)).at(-1)).toBe('task.completed')
})

test('a wall clock that goes back makes attempts run out later, never for good', async () => {
  const faults = new Switchboard()
  const log = memoryLog({ partitionCount: PARTITIONS, faults })
  const made = await startTestEngine({ log, settings: { cacheBytesMax: 1 } })
  await made.register('order', [{ name: 'a', timeoutS: 10, attempts: 1 }])
  made.worker()
  const taskId = await made.submitted(submissionOf(1))
  // Another task comes in: the first is no longer in memory, and has to be read when its time is over.
  await made.submitted(submissionOf(2))
  const reading = gate()
  faults.read = () => reading.passed
  await made.clock.advance(10_100)
  made.clock.jumpWall(-5_000)
  reading.open()
  await settled()
  expect(await made.types(taskId)).not.toContain('step.timed_out')
  await made.clock.advance(7_000)
  expect(await made.types(taskId)).toContain('step.timed_out')
})

test('attempts of a quarantined task keep no slot', async () => {
  const faults = new Switchboard()
  const store = memoryStore()
  const log = memoryLog({ partitionCount: PARTITIONS, faults })
  const first = await startTestEngine({ log, store })
  await first.register('order', [{ name: 'a', timeoutS: 20 }])
  const worker = first.worker()
  const taskId = await first.submitted(submissionOf(1))
  await first.clock.advance(1_000)
  const broken = {
    ...log,
    readStream: (stream: Parameters<typeof log.readStream>[0], from: number) =>
      stream.id === taskId ? unreadable(log.readStream(stream, from)) : log.readStream(stream, from),
  }
  const second = await startTestEngine({ log: broken, store })
  const back = second.worker({ id: worker.id, slots: 1, running: [worker.command('a')] })
  expect(busyOf(second)).toEqual([1])
  back.complete(worker.command('a'))
  await settled()
  expect(back.acks).toMatchObject([{ status: 'refused', reason: 'STREAM_QUARANTINED' }])
  expect(busyOf(second)).toEqual([0])
  await second.submitted(submissionOf(2))
  await back.workOff()
  expect(back.acks).toHaveLength(2)
})

test('a lost attempt of a quarantined task keeps no slot either', async () => {
  const store = memoryStore()
  const log = memoryLog({ partitionCount: PARTITIONS })
  const first = await startTestEngine({ log, store })
  await first.register('order', [{ name: 'a', timeoutS: 20 }])
  const worker = first.worker()
  const taskId = await first.submitted(submissionOf(1))
  await first.clock.advance(1_000)
  const broken = {
    ...log,
    readStream: (stream: Parameters<typeof log.readStream>[0], from: number) =>
      stream.id === taskId ? unreadable(log.readStream(stream, from)) : log.readStream(stream, from),
  }
  const second = await startTestEngine({ log: broken, store })
  second.worker({ id: worker.id, slots: 1, running: [worker.command('a')] }).session.heard()
  await second.clock.advance(25_000)
  expect(second.quarantined).toHaveLength(1)
  expect(busyOf(second)).toEqual([0])
})

test('a server that stops closes its streams, loses nobody and leaves no wake-up behind', async () => {
  const made = await world()
  const worker = made.worker({ leavesWhenClosed: true })
  const taskId = await made.submitted(submissionOf(1))
  const stopping = made.engine.stop()
  await made.clock.advance(1_000)
  await stopping
  expect(worker.closings).toEqual(['the server stops'])
  await made.clock.advance(60_000)
  expect(await made.types(taskId)).not.toContain('step.failed')
  expect(made.clock.alarms).toBe(0)
})

test('a result that comes while the log is away is asked about again only as long as its stream lives', async () => {
  const faults = new Switchboard()
  const made = await startTestEngine({
    log: memoryLog({ partitionCount: PARTITIONS, faults }),
    settings: { cacheBytesMax: 1 },
  })
  await made.register('order', [{ name: 'a', timeoutS: 600 }])
  const worker = made.worker()
  await made.submitted(submissionOf(1))
  await made.submitted(submissionOf(2))
  const [command] = worker.commands
  if (command === undefined) throw new Error('nothing was sent')
  let reads = 0
  faults.read = () => {
    reads++
    return Promise.reject(new Error('away'))
  }
  let current = worker
  current.complete(command)
  for (let n = 0; n < 10; n++) {
    current.session.disconnected()
    current = made.worker({ id: worker.id, running: [...worker.commands] })
    current.complete(command)
    await made.clock.advance(10)
  }
  reads = 0
  await made.clock.advance(5_000)
  expect(reads).toBeLessThanOrEqual(10)
  faults.up()
  await made.clock.advance(1_000)
  expect(current.acks).toMatchObject([{ status: 'recorded' }])
})

test('workers of other namespaces and handlers are not served, and those of one handler take turns', async () => {
  const made = await world()
  const other = made.worker({ handlers: ['else'] })
  const [one, two] = [made.worker({ slots: 5 }), made.worker({ slots: 5 })]
  await submitMany(made, 6)
  expect(other.commands).toEqual([])
  expect([one.commands.length, two.commands.length]).toEqual([3, 3])
  expect(workerId(newWorkerId())).toHaveLength(26)
})

async function* unreadable<Commit extends { readonly types: readonly string[] }>(
  pages: AsyncIterable<readonly Commit[]>,
): AsyncGenerator<readonly Commit[]> {
  for await (const page of pages) yield page.map((commit) => ({ ...commit, types: commit.types.map(() => 'task.unheard_of') }))
}
